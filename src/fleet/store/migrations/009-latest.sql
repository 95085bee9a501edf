-- What is written whole and read whole is kept as text: to take it apart and put it together again was two thirds of
-- the work on a row.
alter table fleet.latest alter column recent drop default;
alter table fleet.latest
  alter column state type json using state::text::json,
  alter column recent type json using recent::text::json,
  alter column summary type json using summary::text::json;
alter table fleet.latest alter column recent set default '[]';
