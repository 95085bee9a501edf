-- Stores messages and keeps the ledger, in one round trip and one transaction. No two of the messages of one row of the
-- ledger have numbers in common. Each statement sees what was committed before it began, so what follows the lock sees
-- what other ingestors stored. Returns how many were new, by row of the ledger.
create function fleet.store_messages(
  ledgers bigint[],
  firsts bigint[],
  lasts bigint[],
  -- milliseconds since the epoch
  ats double precision[],
  receipts double precision[],
  historicals boolean[],
  payloads jsonb[],
  declared_ledgers bigint[],
  declared_numbers text[]
) returns table (id bigint, messages bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  wanted bigint[];
  locked integer;
begin
  select array_agg(distinct w.id) into wanted from unnest(ledgers || declared_ledgers) as w (id);
  -- in one order everywhere: two ingestors never wait for each other in a circle
  perform 1 from fleet.ledger l where l.id = any (wanted) order by l.id for update;
  get diagnostics locked = row_count;
  if locked <> cardinality(wanted) then
    raise exception 'rows of the ledger vanished' using errcode = 'GF001';
  end if;

  -- A merged message replaces what was stored of it before it was merged.
  if firsts <> lasts then
    delete from fleet.messages m
    using unnest(ledgers, firsts, lasts) as i (ledger, first_id, last_id)
    join fleet.ledger l on l.id = i.ledger
    where i.first_id < i.last_id
      and l.stored && int8range(i.first_id, i.last_id, '[]')
      and not l.stored @> int8range(i.first_id, i.last_id, '[]')
      and m.ledger = i.ledger and m.first_id >= i.first_id and m.last_id <= i.last_id;
  end if;

  return query
    with fresh as materialized (
      select i.*
      from unnest(ledgers, firsts, lasts, ats, receipts, historicals, payloads)
        as i (ledger, first_id, last_id, at_ms, received_ms, historical, payload)
      join fleet.ledger l on l.id = i.ledger
      where not l.stored @> int8range(i.first_id, i.last_id, '[]')
    ), kept as (
      insert into fleet.messages (received_at, ledger, first_id, last_id, at, historical, payload)
      select to_timestamp(received_ms / 1000), ledger, first_id, last_id, to_timestamp(at_ms / 1000), historical,
        payload
      from fresh
    )
    update fleet.ledger l set
      stored = l.stored + f.numbers,
      last_received = greatest(l.last_received, to_timestamp(f.received_ms / 1000)),
      last_at = case when f.last_id >= coalesce(upper(l.stored), 0) then to_timestamp(f.at_ms / 1000)
        else l.last_at end
    from (
      select ledger, count(*) as messages, range_agg(int8range(first_id, last_id, '[]')) as numbers,
        max(received_ms) as received_ms, max(last_id) as last_id,
        (array_agg(at_ms order by last_id desc))[1] as at_ms
      from fresh group by ledger
    ) f
    where l.id = f.ledger
    returning l.id, f.messages;

  if cardinality(declared_ledgers) > 0 then
    update fleet.ledger l set declared = l.declared + d.numbers::int8multirange
    from unnest(declared_ledgers, declared_numbers) as d (ledger, numbers)
    where l.id = d.ledger;
  end if;
end
$$;
