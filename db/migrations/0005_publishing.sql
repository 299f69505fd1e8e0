-- What was uploaded and verified, and is not visible yet: until all that it refers to is, or until its publish is committed.

create table pending_paths (
  path_hash text not null check (length(path_hash) = 32),
  nar_hash text not null,
  path text not null,
  nar_size bigint not null,
  url text not null,
  compression text not null,
  file_hash text not null,
  file_size bigint not null,
  deriver text,
  ca text,
  -- [{keyName, signature}]
  signatures jsonb not null,
  waits_for text not null check (waits_for in ('references', 'commit')),
  received_at timestamptz not null default now(),
  -- Two builders may have sent different bytes before either was published.
  primary key (path_hash, nar_hash)
);
create index pending_paths_by_url on pending_paths (url);
create index pending_paths_by_age on pending_paths (received_at);

create table pending_references (
  path_hash text not null,
  nar_hash text not null,
  reference text not null,
  reference_hash text not null,
  primary key (path_hash, nar_hash, reference_hash),
  foreign key (path_hash, nar_hash) references pending_paths on delete cascade
);
create index pending_references_by_reference on pending_references (reference_hash);

-- A closure that is being published: claims first, then bytes, then all of it at once.
create table publishes (
  id uuid primary key,
  attempt_id bigint references attempts on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- The answer to its commit: a repeated one gets it again.
  committed jsonb
);
create index publishes_by_expiry on publishes (expires_at);

create table publish_claims (
  publish_id uuid not null references publishes on delete cascade,
  path_hash text not null,
  claim jsonb not null,
  primary key (publish_id, path_hash)
);

-- The name of what only an upstream has: without it a narinfo could not be rendered from the index alone.
alter table path_references add column reference text;
