"""What PDF/A-2a and PDF/UA-1 ask of a file besides its tags: what it says of itself, and whose colours it means.

The metadata (XMP) is written from a form of our own, since the same document must give the same bytes; it repeats the
classic properties, names both standards, and describes the schema of the second, which PDF/A does not know.
Built to these standards; nobody certifies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape  # writes XML, reads none  # nosec B406

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import ImageCms

PROGRAM = "coopbank"


@dataclass(frozen=True)
class Properties:
    """What the file says about itself. `instant` is ISO 8601 in UTC; the file's dates are set to it."""

    title: str
    author: str
    subject: str
    language: str
    instant: str
    keywords: str = ""  # the document's number and code


_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{stamp}</xmp:CreateDate><xmp:ModifyDate>{stamp}</xmp:ModifyDate>
<xmp:MetadataDate>{stamp}</xmp:MetadataDate><xmp:CreatorTool>{program}</xmp:CreatorTool>
<pdf:Producer>{program}</pdf:Producer><pdf:Keywords>{keywords}</pdf:Keywords>
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance><pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def describe(pdf: pikepdf.Pdf, properties: Properties) -> None:
    """Write the properties, classic and as XMP, and the meaning of the colours."""
    root, stamp = pdf.Root, properties.instant[:19]
    digits = "D:" + "".join(c for c in stamp if c.isdigit()) + "Z"
    classic = {
        "Title": properties.title, "Author": properties.author, "Subject": properties.subject,
        "Keywords": properties.keywords, "CreationDate": digits, "ModDate": digits, "Creator": PROGRAM,
        "Producer": PROGRAM,
    }  # fmt: skip
    for name, value in classic.items():
        pdf.docinfo[f"/{name}"] = String(value)
    if "/Trapped" in pdf.docinfo:
        del pdf.docinfo["/Trapped"]
    told = {name: escape(getattr(properties, name)) for name in ("title", "author", "subject", "language", "keywords")}
    xmp = pdf.make_stream(_XMP.format(**told, stamp=f"{stamp}Z", program=PROGRAM).encode())
    xmp.Type, xmp.Subtype = Name.Metadata, Name.XML
    root.Metadata = xmp
    profile = pdf.make_stream(_srgb())
    profile.N = 3
    root.OutputIntents = Array(
        [
            Dictionary(
                Type=Name.OutputIntent, S=Name.GTS_PDFA1, OutputConditionIdentifier=String("sRGB IEC61966-2.1"),
                RegistryName=String("http://www.color.org"), Info=String("sRGB IEC61966-2.1"),
                DestOutputProfile=pdf.make_indirect(profile),
            )
        ]
    )  # fmt: skip


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    """The sRGB profile as Little CMS makes it, without the time at which it did."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = b"\x07\xd0\x00\x01\x00\x01" + bytes(6)  # 2000-01-01
    return bytes(made)
