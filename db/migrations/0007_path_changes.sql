-- What changed in the cache's index, for processes that keep what they know of it in memory (db/path-changes.ts).

-- By transaction, not by a sequence: a transaction that began earlier may commit later, and nothing that it wrote may be overlooked.
create table path_changes (
  xid xid8 not null default pg_current_xact_id(),
  path_hash text not null,
  changed_at timestamptz not null default now(),
  primary key (xid, path_hash)
);
create index path_changes_by_time on path_changes (changed_at);

-- `NOTIFY` reaches listeners when the transaction commits, once however often it was called.
create function record_path_changes(hashes text[]) returns void language plpgsql as $$
begin
  if coalesce(cardinality(hashes), 0) = 0 then return; end if;
  insert into path_changes (path_hash) select distinct unnest(hashes) on conflict do nothing;
  perform pg_notify('nixwarp_paths', '');
end $$;

-- A path and who may see it: each has a row here, from the transaction on that enters it.
create function path_visibility_entered() returns trigger language plpgsql as $$
begin
  perform record_path_changes(array(select path_hash from entered));
  return null;
end $$;
create trigger path_visibility_entered after insert on path_visibility referencing new table as entered
  for each statement execute function path_visibility_entered();

create function path_visibility_updated() returns trigger language plpgsql as $$
begin
  perform record_path_changes(array(
    select n.path_hash from after_update n join before_update b on b.path_hash = n.path_hash
    where (n.is_public, n.rank < 4) is distinct from (b.is_public, b.rank < 4)));
  return null;
end $$;
create trigger path_visibility_updated after update on path_visibility
  referencing old table as before_update new table as after_update
  for each statement execute function path_visibility_updated();

-- What its narinfo says, or that it is gone.
create function store_paths_changed() returns trigger language plpgsql as $$
begin
  perform record_path_changes(array(select path_hash from changed));
  return null;
end $$;
create trigger store_paths_gone after delete on store_paths referencing old table as changed
  for each statement execute function store_paths_changed();
create trigger signatures_entered after insert on signatures referencing new table as changed
  for each statement execute function store_paths_changed();
create trigger signatures_changed after update on signatures referencing new table as changed
  for each statement execute function store_paths_changed();
create trigger signatures_gone after delete on signatures referencing old table as changed
  for each statement execute function store_paths_changed();

-- That a path was declared again changes nothing that is served.
create function store_paths_updated() returns trigger language plpgsql as $$
begin
  perform record_path_changes(array(
    select n.path_hash from after_update n join before_update b on b.path_hash = n.path_hash
    where (n.path, n.nar_hash, n.nar_size, n.url, n.compression, n.file_hash, n.file_size, n.deriver, n.ca)
      is distinct from (b.path, b.nar_hash, b.nar_size, b.url, b.compression, b.file_hash, b.file_size, b.deriver, b.ca)));
  return null;
end $$;
create trigger store_paths_updated after update on store_paths
  referencing old table as before_update new table as after_update
  for each statement execute function store_paths_updated();
