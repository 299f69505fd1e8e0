-- The index of the binary cache. The cache itself is files (an ordinary `file://` cache).

create table store_paths (
  path_hash text primary key check (length(path_hash) = 32),
  path text not null,
  nar_hash text not null,
  nar_size bigint not null,
  url text not null,
  compression text not null,
  file_hash text not null,
  file_size bigint not null,
  deriver text,
  ca text,
  ingested_at timestamptz not null default now()
);

create table path_references (
  path_hash text not null references store_paths on delete cascade,
  reference_hash text not null,
  primary key (path_hash, reference_hash)
);
create index path_references_by_reference on path_references (reference_hash);

create table signatures (
  path_hash text not null references store_paths on delete cascade,
  key_name text not null,
  signature text not null,
  primary key (path_hash, key_name)
);

-- Who made a path: every ingest of it, the refused ones too.
create table path_provenance (
  id bigint generated always as identity primary key,
  path_hash text not null,
  attempt_id bigint references attempts on delete set null,
  nar_hash text not null,
  accepted boolean not null,
  recorded_at timestamptz not null default now()
);
create index path_provenance_by_path on path_provenance (path_hash);

-- Answers of trusted upstream caches.
create table upstream_paths (
  path_hash text primary key,
  upstream text,
  checked_at timestamptz not null default now()
);

create table pins (
  id bigint generated always as identity primary key,
  evaluation_id bigint references evaluations on delete cascade,
  path_hash text not null,
  name text not null,
  created_at timestamptz not null default now(),
  unique (evaluation_id, name)
);
create index pins_by_path on pins (path_hash);
