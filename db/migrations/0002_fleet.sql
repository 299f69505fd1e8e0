-- The fleet, the messages to Temporal, and the audit trail.

create table builders (
  name text primary key,
  -- `drained` takes no work; `wanted` is what a person asked for, `state` what the builder reports.
  state text not null default 'active' check (state in ('active', 'drained')),
  wanted text not null default 'active' check (wanted in ('active', 'drained')),
  reason text,
  -- Why a person drained it; cleared when it is made active again.
  wanted_reason text,
  systems text[] not null,
  features text[] not null,
  pools text[] not null,
  slots integer not null,
  nix_version text not null,
  worker_version text not null,
  store_dir text not null,
  free_bytes bigint,
  incarnation text not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  left_at timestamptz
);

create table gpus (
  uuid text primary key,
  builder text not null references builders on delete cascade,
  position integer not null,
  model text not null,
  compute_capability text not null,
  architecture text not null,
  driver text not null,
  memory_bytes bigint not null,
  stand_in boolean not null default false,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);
create index gpus_by_builder on gpus (builder);

create table health_events (
  id bigint generated always as identity primary key,
  builder text not null,
  gpu_uuid text,
  kind text not null,
  message text not null,
  recorded_at timestamptz not null default now()
);

-- Workflow starts and signals, decided in the transaction that made them necessary and delivered after it.
create table outbox (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('start', 'signal', 'signal-with-start', 'cancel')),
  workflow_type text not null,
  workflow_id text not null,
  payload jsonb not null,
  -- Equal keys are one message while the first is undelivered.
  dedupe_key text,
  created_at timestamptz not null default now(),
  delivered_at timestamptz
);
create index outbox_undelivered on outbox (id) where delivered_at is null;
create unique index outbox_dedupe on outbox (dedupe_key) where delivered_at is null;

create table audit_events (
  id bigint generated always as identity primary key,
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}',
  idempotency_key text unique,
  response jsonb,
  recorded_at timestamptz not null default now()
);
