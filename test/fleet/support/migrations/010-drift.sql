-- What one camera of a detector showed in five minutes, with one bundle, as far as it was received on one day: a
-- function of the drift messages of that day, made together with the other rollups.
create table fleet.drift_5m (
  sender integer not null references fleet.senders on delete cascade,
  camera text not null,
  bucket timestamptz not null,
  day date not null,
  -- digest of the bundle; empty for none
  digest text not null,
  -- version of the table of features: only histograms of the same one add up
  features_table integer not null,
  -- NAME@VERSION of the bundle
  bundle text not null,
  -- the end of its last window, and the length of all windows
  until timestamptz not null,
  covered_ms bigint not null,
  frames bigint not null,
  -- windows that ended in each state
  states jsonb not null,
  -- histograms, classes, agreement and the newest verdict, as in a drift message
  drift jsonb not null,
  primary key (sender, bucket, camera, digest, features_table, day)
) partition by range (day);
create index drift_5m_buckets on fleet.drift_5m (bucket);

-- The same in hours and in days.
create table fleet.drift_1h (like fleet.drift_5m including all,
  foreign key (sender) references fleet.senders on delete cascade) partition by range (day);
create table fleet.drift_1d (like fleet.drift_5m including all,
  foreign key (sender) references fleet.senders on delete cascade) partition by range (day);

-- Drift windows that were stored before there were rollups of them.
update fleet.messages m set bucket = fleet.bucket_of(m.payload::jsonb)
from fleet.ledger l where l.id = m.ledger and l.stream = 'drift';
insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
select distinct l.sender, m.bucket, (m.received_at at time zone 'UTC')::date, now()
from fleet.messages m join fleet.ledger l on l.id = m.ledger where l.stream = 'drift' and m.bucket is not null;
