-- Numbers of messages that are whole in quarantine: acknowledged, and neither stored nor lost.
alter table fleet.ledger add column quarantined int8multirange not null default '{}';

-- A message whose sender and numbers can be read is kept whole, under its row of the ledger, until somebody stores or
-- drops it. The others are samples, without a row of the ledger.
alter table fleet.quarantine
  add column ledger bigint,
  add column first_id bigint,
  add column last_id bigint,
  add column historical boolean not null default false;

create index quarantine_whole on fleet.quarantine (ledger, last_id) include (bytes) where ledger is not null;

-- Keeps messages whole and notes their numbers, in one transaction. Returns the places, from 1, of those that are here
-- after it, or stored. A message without a payload is not kept, only looked for.
create function fleet.quarantine_messages(
  ledgers bigint[],
  firsts bigint[],
  lasts bigint[],
  -- milliseconds since the epoch
  receipts double precision[],
  historicals boolean[],
  topics text[],
  reasons text[],
  details text[],
  payloads bytea[],
  -- of all that is kept whole
  max_messages bigint,
  max_bytes bigint
) returns table (place bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  wanted bigint[];
  locked integer;
  kept_messages bigint := 0;
  kept_bytes bigint := 0;
begin
  select array_agg(distinct w.id) into wanted from unnest(ledgers) as w (id);
  -- in the order in which fleet.store_messages does
  perform 1 from fleet.ledger l where l.id = any (wanted) order by l.id for update;
  get diagnostics locked = row_count;
  if locked <> cardinality(wanted) then
    raise exception 'rows of the ledger vanished' using errcode = 'GF001';
  end if;
  if exists (select from unnest(payloads) as p (payload) where p.payload is not null) then
    select count(*), coalesce(sum(q.bytes), 0) into kept_messages, kept_bytes
    from fleet.quarantine q where q.ledger is not null;
  end if;

  return query
    with asked as materialized (
      select i.*, (l.stored + l.quarantined) @> int8range(i.first_id, i.last_id, '[]') as is_here
      from unnest(ledgers, firsts, lasts, receipts, historicals, topics, reasons, details, payloads)
        with ordinality
        as i (ledger, first_id, last_id, received_ms, historical, topic, reason, detail, payload, place)
      join fleet.ledger l on l.id = i.ledger
    ), fresh as (
      select distinct on (ledger, first_id, last_id) * from asked
      where not is_here and payload is not null
      order by ledger, first_id, last_id, place
    ), counted as (
      select *, row_number() over turn as messages, sum(octet_length(payload)) over turn as sum_bytes
      from fresh window turn as (order by place)
    ), kept as (
      insert into fleet.quarantine
        (received_at, topic, reason, detail, bytes, payload, ledger, first_id, last_id, historical)
      select to_timestamp(received_ms / 1000), topic, reason, detail, octet_length(payload), payload, ledger, first_id,
        last_id, historical
      from counted
      where kept_messages + messages <= max_messages and kept_bytes + sum_bytes <= max_bytes
      returning ledger, first_id, last_id, received_at
    ), noted as (
      update fleet.ledger l set
        quarantined = l.quarantined + k.numbers,
        last_received = greatest(l.last_received, k.received_at)
      from (
        select ledger, range_agg(int8range(first_id, last_id, '[]')) as numbers, max(received_at) as received_at
        from kept group by ledger
      ) k
      where l.id = k.ledger
      returning l.id
    )
    select a.place from asked a
    where a.is_here or exists (
      select from kept k
      join noted n on n.id = k.ledger
      where k.ledger = a.ledger and k.first_id = a.first_id and k.last_id = a.last_id);
end
$$;
