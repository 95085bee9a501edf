-- What dashboards ask for.

-- Adds histograms of the same edges; percentiles come from the sum, they are never averaged.
create function fleet.add_two_counts(one bigint[], other integer[]) returns bigint[]
language sql immutable parallel safe
return case when one is null then other::bigint[] when other is null then one else (
  select array_agg(coalesce(a, 0) + coalesce(b, 0) order by place)
  from unnest(one, other) with ordinality as both_counts (a, b, place)
) end;

create aggregate fleet.add_counts(integer[]) (sfunc = fleet.add_two_counts, stype = bigint[], parallel = safe);

-- The value below which a share of the values lies, between the edges of docs/asyncapi.json, milliseconds; null without
-- values. The same as percentileOf in src/core/edge-histogram.ts.
create function fleet.latency_percentile(counts bigint[], share double precision) returns double precision
language sql immutable parallel safe
return (
  with buckets as (
    select e.upper_ms, coalesce(lag(e.upper_ms) over turn, 0) as lower_ms, counts[e.place] as count,
      coalesce(sum(counts[e.place]) over (turn rows between unbounded preceding and 1 preceding), 0) as below,
      share * (select sum(c) from unnest(counts) as c) as rank
    from unnest(array[1, 2, 3, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5, 25, 30, 33.4, 40, 50, 66.7, 100, 150, 200, 300,
      500, 1000, 2000, 5000]::double precision[]) with ordinality as e (upper_ms, place)
    window turn as (order by e.place)
  )
  select case when (select coalesce(sum(c), 0) from unnest(counts) as c) = 0 then null else coalesce((
    select lower_ms + (upper_ms - lower_ms) * greatest(0, rank - below) / count
    from buckets where count > 0 and below + count >= rank order by upper_ms limit 1
  ), 5000) end
);

-- How the ledger of each stream and boot stands: numbers of messages.
create view fleet.ledger_health as
select s.site, s.robot, s.node, l.stream, l.boot, l.first_received, l.last_received,
  extract(epoch from l.last_received - l.last_at) as lag_seconds,
  (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(l.stored) as r) as stored,
  (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(l.quarantined - l.stored) as r) as quarantined,
  (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(l.declared - l.stored - l.quarantined) as r)
    as declared,
  (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(
    int8multirange(int8range(0, greatest(upper(l.stored), upper(l.quarantined), upper(l.declared), 0)))
      - l.stored - l.quarantined - l.declared) as r) as holes
from fleet.ledger l join fleet.senders s on s.id = l.sender;
