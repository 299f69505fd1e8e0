-- What upstream caches serve through us: the URL that our narinfo names, and where its bytes are.

create table upstream_nars (
  -- Ours: clients remember it for 30 days.
  url text not null,
  path_hash text not null check (length(path_hash) = 32),
  -- The cache's URL as it is configured, and the absolute URL of the NAR there.
  upstream text not null,
  source text not null,
  -- As the upstream says it: its signature was verified by a trusted key.
  narinfo text not null,
  verified_at timestamptz not null default now(),
  -- Several paths may have the same bytes.
  primary key (url, path_hash)
);
create index upstream_nars_by_path on upstream_nars (path_hash, verified_at);
create index upstream_nars_by_age on upstream_nars (verified_at);

-- Where a path was taken from, of those that no attempt made.
alter table path_provenance add column upstream text;
