-- How each detector is, for lists of thousands: what it sent last and how its ledger stands. It follows from messages
-- and ledger, seconds behind them, and a robot that goes on speaking corrects whatever is missing here.
create table fleet.latest (
  sender integer primary key references fleet.senders on delete cascade,
  updated_at timestamptz not null default clock_timestamp(),
  last_received timestamptz,
  -- numbers of messages
  stored bigint not null,
  quarantined bigint not null,
  declared bigint not null,
  holes bigint not null,
  -- lifecycle, bundle, cameras and tags of its newest state
  state jsonb,
  state_at timestamptz,
  -- windows of its last minute, and their sum
  recent jsonb not null default '[]',
  summary jsonb
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index latest_updated on fleet.latest (updated_at);

insert into fleet.latest (sender, last_received, stored, quarantined, declared, holes, state, state_at)
select s.id, l.last_received, l.stored, l.quarantined, l.declared, l.holes, state.payload, state.received_at
from fleet.senders s, lateral (
    select max(last_received) as last_received,
      coalesce(sum((select sum(upper(r) - lower(r)) from unnest(stored) as r)), 0)::int8 as stored,
      coalesce(sum((select sum(upper(r) - lower(r)) from unnest(quarantined - stored) as r)), 0)::int8 as quarantined,
      coalesce(sum((select sum(upper(r) - lower(r)) from unnest(declared - stored - quarantined) as r)), 0)::int8
        as declared,
      coalesce(sum((select sum(upper(r) - lower(r)) from unnest(
        int8multirange(int8range(0, greatest(upper(stored), upper(quarantined), upper(declared), 0)))
          - stored - quarantined - declared) as r)), 0)::int8 as holes
    from fleet.ledger where sender = s.id
  ) as l left join lateral (
    select m.payload, m.received_at from fleet.ledger l join fleet.messages m on m.ledger = l.id
    where l.sender = s.id and l.stream = 'state' and l.last_received is not null
    order by l.last_received desc, m.last_id desc limit 1
  ) as state on true;
