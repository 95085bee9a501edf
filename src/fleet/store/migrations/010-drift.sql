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

-- Drift windows that were stored before there were rollups of them, by rows of the ledger: a job asks for their
-- rollups, one batch after the other, so that nobody waits for all of them.
create table fleet.drift_backfill (
  ledger bigint primary key references fleet.ledger on delete cascade,
  -- of messages that were received before, those up to this number are done
  before timestamptz not null default now(),
  done_id bigint not null default -1
);
insert into fleet.drift_backfill (ledger) select id from fleet.ledger where stream = 'drift';
