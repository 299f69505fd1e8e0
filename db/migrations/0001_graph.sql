-- The graph of effort: what is wanted, what it depends on, how it ended.

create table instance_facts (
  name text primary key,
  value text not null,
  recorded_at timestamptz not null default now()
);

create table projects (
  id bigint generated always as identity primary key,
  slug text not null unique,
  created_at timestamptz not null default now()
);

create table jobsets (
  id bigint generated always as identity primary key,
  project_id bigint not null references projects on delete cascade,
  name text not null,
  config jsonb not null,
  -- The folder that relative paths in the configuration start from; null where it was sent without a file.
  base_folder text,
  enabled boolean not null default true,
  last_revision text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (project_id, name)
);

create table evaluations (
  id bigint generated always as identity primary key,
  jobset_id bigint not null references jobsets on delete cascade,
  number integer not null,
  state text not null default 'queued'
    check (state in ('queued', 'evaluating', 'building', 'classifying', 'publishing', 'finished')),
  outcome text check (outcome in ('finished', 'failed', 'cancelled', 'superseded')),
  message text,
  -- Configuration in force, with its base folder: a later change of the jobset does not reach a running evaluation.
  config jsonb not null,
  base_folder text,
  -- A fresh evaluation asks anew what is known to fail (`nixwarp run`, retry).
  fresh boolean not null default false,
  revision text,
  locked_source text,
  dirty boolean not null default false,
  -- Steps of this evaluation that have not ended: zero after evaluation means drained.
  remaining integer not null default 0,
  unplanned_batches integer not null default 0,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  evaluated_at timestamptz,
  drained_at timestamptz,
  finished_at timestamptz,
  cancel_requested_at timestamptz,
  cancel_reason text,
  unique (jobset_id, number)
);
create index evaluations_open on evaluations (id) where state <> 'finished';

create table triggers (
  id bigint generated always as identity primary key,
  jobset_id bigint not null references jobsets on delete cascade,
  kind text not null check (kind in ('api', 'cli', 'schedule', 'webhook')),
  forced boolean not null default false,
  state text not null default 'pending' check (state in ('pending', 'unchanged', 'started', 'merged', 'failed')),
  message text,
  evaluation_id bigint references evaluations on delete set null,
  received_at timestamptz not null default now(),
  settled_at timestamptz
);
create index triggers_of_jobset on triggers (jobset_id, id);

create table evaluation_inputs (
  evaluation_id bigint not null references evaluations on delete cascade,
  name text not null,
  kind text not null,
  uri text not null,
  revision text,
  primary key (evaluation_id, name)
);

create table evaluation_errors (
  id bigint generated always as identity primary key,
  evaluation_id bigint not null references evaluations on delete cascade,
  name text not null,
  system text,
  variant text,
  kind text not null check (kind in ('error', 'refused', 'aggregate', 'fatal')),
  message text not null
);
create unique index evaluation_errors_key
  on evaluation_errors (evaluation_id, name, coalesce(system, ''), coalesce(variant, ''));

create table derivations (
  drv_hash text primary key check (length(drv_hash) = 32),
  drv_path text not null,
  name text not null,
  system text not null,
  fixed_output boolean not null,
  features text[] not null default '{}',
  created_at timestamptz not null default now()
);

create table derivation_inputs (
  drv_hash text not null references derivations on delete cascade,
  input_drv_hash text not null,
  output_names text[] not null,
  primary key (drv_hash, input_drv_hash)
);
create index derivation_inputs_by_input on derivation_inputs (input_drv_hash);

create table outputs (
  drv_hash text not null references derivations on delete cascade,
  name text not null,
  path text not null,
  path_hash text not null,
  primary key (drv_hash, name)
);
create index outputs_by_path on outputs (path_hash);

create table jobs (
  id bigint generated always as identity primary key,
  evaluation_id bigint not null references evaluations on delete cascade,
  name text not null,
  attr_path text[] not null,
  system text not null,
  variant text,
  drv_hash text not null references derivations,
  nix_name text not null,
  kind text not null check (kind in ('build', 'gpu-check', 'aggregate')),
  meta jsonb not null default '{}',
  -- `meta.timeout` and `meta.maxSilent`, where the package says so.
  timeout_seconds integer,
  silent_timeout_seconds integer,
  planned boolean not null default false,
  outcome text,
  -- Architectures on which a GPU check cannot run, each with its reason.
  not_scheduled jsonb not null default '[]'
);
create unique index jobs_key on jobs (evaluation_id, name, system, coalesce(variant, ''));
create index jobs_unplanned on jobs (evaluation_id) where not planned;
create index jobs_by_derivation on jobs (drv_hash);

create table job_constituents (
  job_id bigint not null references jobs on delete cascade,
  position integer not null,
  name text not null,
  constituent_job_id bigint references jobs on delete cascade,
  primary key (job_id, position)
);

create table steps (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('build', 'gpu-test')),
  drv_hash text not null references derivations,
  architecture text,
  -- An aggregate waits for constituents that its derivation does not name: its step belongs to one evaluation (0: to all).
  scope bigint not null default 0,
  generation integer not null default 1,
  current boolean not null default true,
  pool text not null,
  state text not null check (state in ('waiting', 'ready', 'dispatched', 'running', 'done')),
  outcome text,
  reason text,
  unmet integer not null default 0,
  height integer not null default 0,
  priority smallint not null default 3,
  jobset_id bigint references jobsets on delete set null,
  limits jsonb not null,
  -- The step whose failure this one inherited.
  root_step_id bigint references steps on delete set null,
  cancel_requested_at timestamptz,
  created_at timestamptz not null default now(),
  ready_at timestamptz,
  dispatched_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  check ((state = 'done') = (outcome is not null))
);
create unique index steps_current on steps (kind, drv_hash, coalesce(architecture, ''), scope) where current;
create index steps_ready on steps (pool, jobset_id, priority, height desc, id) where state = 'ready';
create index steps_in_flight on steps (pool) where state in ('dispatched', 'running');
create index steps_by_root on steps (root_step_id);

create table step_inputs (
  step_id bigint not null references steps on delete cascade,
  input_step_id bigint not null references steps on delete cascade,
  primary key (step_id, input_step_id)
);
create index step_inputs_by_input on step_inputs (input_step_id);

-- Which evaluations want a step: its reference count. A row that no longer counts keeps the reason.
create table wanted (
  evaluation_id bigint not null references evaluations on delete cascade,
  step_id bigint not null references steps on delete cascade,
  state text not null default 'open' check (state in ('open', 'ended', 'not-run', 'cancelled')),
  primary key (evaluation_id, step_id)
);
create index wanted_by_step on wanted (step_id);
create index wanted_open on wanted (evaluation_id) where state = 'open';

create table job_steps (
  job_id bigint not null references jobs on delete cascade,
  step_id bigint not null references steps on delete cascade,
  primary key (job_id, step_id)
);
create index job_steps_by_step on job_steps (step_id);

create table attempts (
  id bigint generated always as identity primary key,
  step_id bigint not null references steps on delete cascade,
  generation integer not null,
  number integer not null,
  builder text not null,
  unit text not null,
  outcome text,
  message text,
  evidence jsonb not null default '{}',
  gpu jsonb,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (step_id, generation, number)
);
create index attempts_open on attempts (builder) where ended_at is null;

create table logs (
  attempt_id bigint primary key references attempts on delete cascade,
  bytes bigint not null default 0,
  closed_at timestamptz
);

create table findings (
  id bigint generated always as identity primary key,
  evaluation_id bigint references evaluations on delete cascade,
  job_id bigint references jobs on delete cascade,
  step_id bigint references steps on delete cascade,
  attempt_id bigint references attempts on delete cascade,
  class text not null,
  subclass text not null,
  confidence real not null,
  rule text not null,
  fingerprint text,
  verdict jsonb not null,
  created_at timestamptz not null default now()
);
create unique index findings_of_attempt on findings (attempt_id) where attempt_id is not null;
create unique index findings_of_job on findings (job_id, rule) where job_id is not null;
create index findings_by_step on findings (step_id);
create index findings_by_fingerprint on findings (fingerprint);

create table samples (
  id bigint generated always as identity primary key,
  metric text not null,
  value double precision not null,
  unit text,
  step_id bigint references steps on delete cascade,
  attempt_id bigint references attempts on delete cascade,
  recorded_at timestamptz not null default now()
);
create unique index samples_of_attempt on samples (attempt_id, metric) where attempt_id is not null;

create table build_products (
  attempt_id bigint not null references attempts on delete cascade,
  number integer not null,
  type text not null,
  subtype text not null,
  path text not null,
  name text not null,
  default_path text,
  primary key (attempt_id, number)
);
