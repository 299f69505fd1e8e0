-- Who may use the cache, what is shown to whom and why, what is kept, and what was thrown away.

create table tokens (
  id bigint generated always as identity primary key,
  name text not null,
  -- SHA-256 of the token: it has 256 random bits, so that nothing slower is needed.
  digest bytea not null unique check (octet_length(digest) = 32),
  view text not null,
  can text[] not null check (cardinality(can) > 0 and can <@ array['read', 'push', 'admin']),
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

-- Every server process forgets what it knows of tokens.
create function notify_tokens() returns trigger language plpgsql as $$
begin
  perform pg_notify('nixwarp_tokens', '');
  return null;
end $$;
create trigger tokens_changed after insert or delete or update of revoked_at, expires_at, view, can on tokens
  for each statement execute function notify_tokens();

-- What evaluations say of licences. Ranks: 0 free (or allowed by the operator), 1 redistributable, 2 unfree, 3 unknown, 4 missing.
create table derivation_licences (
  drv_hash text primary key,
  rank smallint not null check (rank between 0 and 3),
  licences jsonb not null,
  job_name text not null,
  evaluation_id bigint not null,
  recorded_at timestamptz not null default now()
);

-- The operator's rules, as the server was started with them; one row. The rest of this file decides by it.
create table policy_settings (
  single boolean primary key default true check (single),
  licences text[] not null default '{}',
  packages text[] not null default '{}',
  upstreams text[] not null default '{}',
  -- The highest rank that the public view shows.
  max_rank smallint not null default 1 check (max_rank in (0, 1)),
  -- What evaluations before this migration say was not read yet.
  facts_read boolean not null default false
);
insert into policy_settings default values;

-- Paths that were withdrawn by a command: their like is never public again, even when it is built again.
create table withdrawn_paths (
  path_hash text primary key,
  path text not null,
  reason text not null,
  withdrawn_by text not null,
  withdrawn_at timestamptz not null default now()
);

-- Of each path of the cache: its own rank, and the highest of its runtime closure. Kept by triggers, in the transaction that
-- changes a fact: what a reader sees is never older than the facts. `db/visibility.ts` is the contract.
create table path_visibility (
  path_hash text primary key references store_paths on delete cascade,
  own_rank smallint not null,
  -- Where the own rank comes from: licence, upstream, package, source, withdrawn, derivation, unknown.
  own_source text not null,
  rank smallint not null,
  -- The member of the closure that has this rank; itself, where it is the one.
  restricted_by text not null,
  is_public boolean not null
);
create index path_visibility_held on path_visibility (restricted_by) where not is_public;

create index store_paths_by_url on store_paths (url);

-- A path that is declared again is as young as a new one: collecting leaves it alone.
alter table store_paths add column declared_at timestamptz not null default now();
create index store_paths_by_age on store_paths (declared_at);

-- The name of a package in a store path, by Nix's rule: up to the first dash that no letter follows.
create function package_of(name text) returns text language sql immutable parallel safe as
  $$ select regexp_replace(name, '-[^a-zA-Z].*$', '') $$;

-- The own rank of each path, whether the cache has it or an upstream.
create function own_ranks(hashes text[])
returns table (path_hash text, own_rank smallint, own_source text) language sql stable as $$
  with names as (
    select h.hash, coalesce(p.path, o.path) as path
    from unnest(hashes) as h (hash)
    left join store_paths p on p.path_hash = h.hash
    left join lateral (select path from outputs where outputs.path_hash = h.hash limit 1) o on p.path is null
  ), facts as (
    select n.hash, n.path, substring(n.path from '[^/]*$') as base,
      (select max(l.rank) from outputs o join derivation_licences l on l.drv_hash = o.drv_hash where o.path_hash = n.hash) as licence,
      exists (select 1 from upstream_paths u, policy_settings s where u.path_hash = n.hash and u.upstream = any (s.upstreams)) as upstream,
      exists (select 1 from withdrawn_paths w where w.path_hash = n.hash) as withdrawn,
      -- A fixed output (a source) belongs to the packages that take it as it is: all of them must be known.
      (select case when bool_and(d.fixed_output) and bool_and(l.rank is not null) then max(l.rank) end
        from outputs o join derivations d on d.drv_hash = o.drv_hash
        left join derivation_inputs i on i.input_drv_hash = o.drv_hash
        left join derivation_licences l on l.drv_hash = i.drv_hash
        where o.path_hash = n.hash) as source
    from names n
  )
  select f.hash,
    case
      when f.withdrawn or f.base like '%.drv' then 3
      when p.allowed then 0
      when f.licence is not null then f.licence
      when f.upstream then 0
      when f.source is not null then f.source
      else 3
    end::smallint,
    case
      when f.withdrawn then 'withdrawn'
      when f.base like '%.drv' then 'derivation'
      when p.allowed then 'package'
      when f.licence is not null then 'licence'
      when f.upstream then 'upstream'
      when f.source is not null then 'source'
      else 'unknown'
    end
  from facts f
  cross join lateral (
    select coalesce(substring(f.base from 34) = any (s.packages) or package_of(substring(f.base from 34)) = any (s.packages), false)
      as allowed from policy_settings s
  ) p
$$;

-- Two kinds of transactions: those that publish exclude those that change facts or collect, but not each other, since what a path
-- refers to is there before it. Without it a path could be published with what its reference was a moment ago.
create function lock_publishing() returns void language sql as $$ select pg_advisory_xact_lock_shared(x'70756273'::int) $$;
create function lock_publishing_exclusively() returns void language sql as $$ select pg_advisory_xact_lock(x'70756273'::int) $$;

-- Computes these paths, and all that refer to them, anew. Ranks only grow along references, and there are no cycles but of a path
-- to itself: the least ranks are found by passing them on until nothing changes.
create function refresh_visibility(changed text[]) returns void language plpgsql as $$
declare
  affected text[];
  frontier text[];
  flipped text[];
begin
  with recursive up (hash) as (
    select unnest(changed)
    union
    select r.path_hash from up join path_references r on r.reference_hash = up.hash
  )
  select array_agg(up.hash) into affected from up join store_paths p on p.path_hash = up.hash;
  if affected is null then return; end if;

  insert into path_visibility as v (path_hash, own_rank, own_source, rank, restricted_by, is_public)
  select o.path_hash, o.own_rank, o.own_source, o.own_rank, o.path_hash, false from own_ranks(affected) o
  on conflict (path_hash) do update set own_rank = excluded.own_rank, own_source = excluded.own_source,
    rank = excluded.rank, restricted_by = excluded.restricted_by;

  -- What only an upstream has, or nobody, does not change while we pass on.
  with outside as (
    select r.path_hash, r.reference_hash from path_references r
    where r.path_hash = any (affected) and not exists (select 1 from path_visibility v where v.path_hash = r.reference_hash)
  ), ranked as (
    select o.path_hash, o.own_rank as rank from own_ranks(array(select distinct reference_hash from outside)) o
  ), worst as (
    select distinct on (o.path_hash) o.path_hash, o.reference_hash,
      case when exists (select 1 from upstream_paths u where u.path_hash = o.reference_hash and u.upstream is not null)
        then k.rank else 4 end as rank
    from outside o join ranked k on k.path_hash = o.reference_hash order by o.path_hash, 3 desc, o.reference_hash
  )
  update path_visibility v set rank = w.rank, restricted_by = w.reference_hash
  from worst w where v.path_hash = w.path_hash and w.rank > v.rank;

  frontier := affected;
  loop
    with worst as (
      select distinct on (r.path_hash) r.path_hash, t.rank, t.restricted_by
      from path_references r join path_visibility t on t.path_hash = r.reference_hash
      where r.path_hash = any (frontier) and r.path_hash <> r.reference_hash
      order by r.path_hash, t.rank desc, t.restricted_by
    ), raised as (
      update path_visibility v set rank = w.rank, restricted_by = w.restricted_by
      from worst w where v.path_hash = w.path_hash and w.rank > v.rank
      returning v.path_hash
    )
    select array_agg(distinct r.path_hash) into frontier
    from raised join path_references r on r.reference_hash = raised.path_hash where r.path_hash <> r.reference_hash;
    exit when frontier is null;
  end loop;

  with decided as (
    update path_visibility v set is_public = v.rank <= s.max_rank
    from policy_settings s where v.path_hash = any (affected) and v.is_public <> (v.rank <= s.max_rank)
    returning v.path_hash
  )
  select array_agg(path_hash) into flipped from decided;
  -- A payload has 8,000 bytes at most; an empty one means: all of it may be different.
  if flipped is not null then
    perform pg_notify('nixwarp_visibility', case when cardinality(flipped) <= 200 then array_to_string(flipped, ' ') else '' end);
  end if;
end $$;

create function store_paths_entered() returns trigger language plpgsql as $$
begin
  perform lock_publishing();
  perform refresh_visibility(array(select path_hash from entered));
  return null;
end $$;
create trigger store_paths_entered after insert on store_paths referencing new table as entered
  for each statement execute function store_paths_entered();

create function path_references_entered() returns trigger language plpgsql as $$
begin
  if exists (select 1 from entered) then perform refresh_visibility(array(select distinct path_hash from entered)); end if;
  return null;
end $$;
create trigger path_references_entered after insert on path_references referencing new table as entered
  for each statement execute function path_references_entered();

-- What referred to them is incomplete now.
create function store_paths_left() returns trigger language plpgsql as $$
declare
  dependents text[] := array(
    select distinct r.path_hash from gone join path_references r on r.reference_hash = gone.path_hash
    join store_paths p on p.path_hash = r.path_hash);
begin
  if cardinality(dependents) > 0 then perform refresh_visibility(dependents); end if;
  return null;
end $$;
create trigger store_paths_left after delete on store_paths referencing old table as gone
  for each statement execute function store_paths_left();

-- Outputs of derivations whose licences are known now, and the sources that they take.
create function refresh_licensed(drvs text[]) returns void language plpgsql as $$
begin
  perform lock_publishing_exclusively();
  perform refresh_visibility(array(
    select o.path_hash from outputs o where o.drv_hash = any (drvs)
    union
    select o.path_hash from derivation_inputs i join derivations d on d.drv_hash = i.input_drv_hash and d.fixed_output
    join outputs o on o.drv_hash = d.drv_hash where i.drv_hash = any (drvs)));
end $$;

create function licences_changed() returns trigger language plpgsql as $$
begin
  if exists (select 1 from changed) then perform refresh_licensed(array(select drv_hash from changed)); end if;
  return null;
end $$;
create trigger licences_entered after insert on derivation_licences referencing new table as changed
  for each statement execute function licences_changed();
create trigger licences_updated after update on derivation_licences referencing new table as changed
  for each statement execute function licences_changed();
create trigger licences_left after delete on derivation_licences referencing old table as changed
  for each statement execute function licences_changed();

-- A further derivation takes a source, and nothing may be known of it.
create function derivation_inputs_entered() returns trigger language plpgsql as $$
declare
  touched text[] := array(
    select distinct v.path_hash from entered e join outputs o on o.drv_hash = e.input_drv_hash
    join path_visibility v on v.path_hash = o.path_hash where v.own_source = 'source');
begin
  if cardinality(touched) > 0 then
    perform lock_publishing_exclusively();
    perform refresh_visibility(touched);
  end if;
  return null;
end $$;
create trigger derivation_inputs_entered after insert on derivation_inputs referencing new table as entered
  for each statement execute function derivation_inputs_entered();

-- Only those that matter: an evaluation asks upstreams for 150,000 paths, and few of them are in the cache or referred to.
create function upstream_paths_changed() returns trigger language plpgsql as $$
declare
  touched text[] := array(
    select c.path_hash from changed c where exists (select 1 from store_paths p where p.path_hash = c.path_hash)
      or exists (select 1 from path_references r where r.reference_hash = c.path_hash));
begin
  if cardinality(touched) > 0 then
    perform lock_publishing_exclusively();
    perform refresh_visibility(touched);
  end if;
  return null;
end $$;
create trigger upstream_paths_entered after insert on upstream_paths referencing new table as changed
  for each statement execute function upstream_paths_changed();
create trigger upstream_paths_left after delete on upstream_paths referencing old table as changed
  for each statement execute function upstream_paths_changed();
-- Most updates only confirm.
create function upstream_paths_updated() returns trigger language plpgsql as $$
declare
  touched text[] := array(
    select n.path_hash from after_update n join before_update b on b.path_hash = n.path_hash
    where b.upstream is distinct from n.upstream and (exists (select 1 from store_paths p where p.path_hash = n.path_hash)
      or exists (select 1 from path_references r where r.reference_hash = n.path_hash)));
begin
  if cardinality(touched) > 0 then
    perform lock_publishing_exclusively();
    perform refresh_visibility(touched);
  end if;
  return null;
end $$;
create trigger upstream_paths_updated after update on upstream_paths
  referencing old table as before_update new table as after_update
  for each statement execute function upstream_paths_updated();

create function withdrawn_changed() returns trigger language plpgsql as $$
begin
  perform lock_publishing_exclusively();
  perform refresh_visibility(array(select path_hash from changed));
  return null;
end $$;
create trigger withdrawn_entered after insert on withdrawn_paths referencing new table as changed
  for each statement execute function withdrawn_changed();
create trigger withdrawn_left after delete on withdrawn_paths referencing old table as changed
  for each statement execute function withdrawn_changed();

-- Pins by name, each with its history: the newest revision holds, and as many earlier ones as `keep` says.
create table named_pins (
  name text not null,
  revision integer not null,
  path_hash text not null,
  path text not null,
  keep integer not null default 0 check (keep >= 0),
  pinned_by text not null,
  pinned_at timestamptz not null default now(),
  released_at timestamptz,
  primary key (name, revision)
);
create index named_pins_by_path on named_pins (path_hash);

-- Bytes without a path: clients remember a narinfo for 30 days, and may come for them.
create table swept_nars (
  url text primary key,
  file_size bigint not null,
  -- Whether strangers could see a path with these bytes when it went.
  was_public boolean not null,
  swept_at timestamptz not null default now()
);

-- URLs of bytes that were compressed anew, in the same way: what they name now.
create table nar_aliases (
  url text primary key,
  path_hash text not null references store_paths on delete cascade,
  replaced_at timestamptz not null default now()
);

-- Paths that were there before: nothing is public until its facts were read; the server does so when it starts.
select refresh_visibility(array(select path_hash from store_paths));
