-- Who has ever sent something: one detector of one robot.
create table fleet.senders (
  id integer generated always as identity primary key,
  site text not null,
  robot text not null,
  node text not null,
  first_seen timestamptz not null default now(),
  unique (robot, site, node)
);

-- What is known of the numbers of one stream in one boot of one sender. Deduplication, the ledger and its holes all
-- follow from this row: it is locked, and what it already has is not stored again.
create table fleet.ledger (
  id bigint generated always as identity primary key,
  sender integer not null references fleet.senders,
  stream text not null,
  boot uuid not null,
  boot_count bigint,
  -- numbers of messages that are stored, and of those that the robot declared lost
  stored int8multirange not null default '{}',
  declared int8multirange not null default '{}',
  first_received timestamptz not null default now(),
  last_received timestamptz,
  -- what the robot's clock said in its newest message
  last_at timestamptz,
  unique (sender, stream, boot)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create table fleet.messages (
  -- clock of the ingestor
  received_at timestamptz not null,
  ledger bigint not null,
  -- a merged message stands for several numbers
  first_id bigint not null,
  last_id bigint not null,
  -- clock of the robot, which may be wrong
  at timestamptz not null,
  historical boolean not null,
  payload jsonb not null
) partition by range (received_at);

create index messages_numbers on fleet.messages (ledger, last_id);
create index messages_received on fleet.messages using brin (received_at) with (pages_per_range = 32);

-- Messages that could not be stored as what they claim to be. They are not acknowledged.
create table fleet.quarantine (
  id bigint generated always as identity primary key,
  received_at timestamptz not null,
  topic text not null,
  reason text not null,
  detail text not null,
  bytes integer not null,
  -- its beginning only, where it is large
  payload bytea not null
);

create index quarantine_topics on fleet.quarantine (topic, id);
