-- Who may use the API. Of a token only the digest of its secret is kept; a row is never deleted, so that the audit can
-- name it, and so that the API stays closed when the last token is revoked.
create table fleet.tokens (
  id text primary key,
  sha256 bytea not null check (octet_length(sha256) = 32),
  name text not null,
  role text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create unique index tokens_names on fleet.tokens (name) where revoked_at is null;

-- What operators keep about a robot.
create sequence fleet.settings_versions;
create table fleet.robot_settings (
  site text not null,
  robot text not null,
  -- never the same twice, also of a robot that was deleted and came back
  version bigint not null default nextval('fleet.settings_versions'),
  changed_at timestamptz not null default now(),
  note text not null,
  labels jsonb not null,
  muted_until timestamptz,
  primary key (robot, site)
);

-- Each change, in the transaction that made it. Nobody changes a line afterwards.
create table fleet.audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  role text,
  address text not null,
  action text not null,
  target text not null,
  before jsonb,
  after jsonb
);

create function fleet.refuse_change() returns trigger
language plpgsql
as $$
begin
  raise exception 'fleet.% takes new lines only', tg_table_name using errcode = 'GF002';
end
$$;

create trigger audit_takes_new_lines_only before update or delete or truncate on fleet.audit
for each statement execute function fleet.refuse_change();
