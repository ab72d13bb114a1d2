-- two functions that constraints call, call a third by the name of its schema: so pg_restore alone restores a dump
CREATE OR REPLACE FUNCTION is_period(p text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN p ~ '^[0-9]{4}$' OR p ~ '^[0-9]{4}-[0-9]{2}$' AND public.is_day(p || '-01') OR public.is_day(p); END $$;
CREATE OR REPLACE FUNCTION is_instant(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN t ~ '^[0-9-]{10}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' AND public.is_day(substr(t, 1, 10)); END $$;
