"""Operations on lending."""
