-- The work of connection.request, as a team would write it: one function, one round trip, one commit.
create table member (id bigint primary key, state int not null default 1, tier text not null,
    outgoing int not null default 0, received int not null default 0);
create table pair (lo bigint, hi bigint, state int not null, sender bigint not null,
    created_at timestamptz not null, expires_at timestamptz not null, primary key (lo, hi));
create index pair_expires on pair (expires_at) where state = 1;
create table block (member bigint, other bigint, primary key (member, other));
create table sent (member bigint, at timestamptz not null);
create index sent_by on sent (member, at);
create table event (seq bigserial primary key, at timestamptz not null, type text not null,
    sender bigint, recipient bigint, command text not null unique);

create function connection_request(command_id text, from_id bigint, to_id bigint) returns text
language plpgsql as $$
declare
    asker member%rowtype;
    used_hour int;
    used_week int;
    instant timestamptz := clock_timestamp();
    inserted int;
begin
    if from_id = to_id then return 'self'; end if;
    if exists (select 1 from event where command = command_id) then return 'dup'; end if;
    -- Both counts change below: locked in one order, so that no two commands wait for each other.
    perform 1 from member where id in (from_id, to_id) order by id for update;
    select * into asker from member where id = from_id and state = 1;
    if not found then return 'no_such_member'; end if;
    perform 1 from member where id = to_id and state = 1;
    if not found then return 'no_such_member'; end if;
    perform 1 from block where (member = to_id and other = from_id)
        or (member = from_id and other = to_id);
    if found then return 'blocked'; end if;
    select count(*) filter (where at > instant - interval '1 hour'), count(*)
        into used_hour, used_week from sent
        where member = from_id and at > instant - interval '7 days';
    if asker.tier <> 'unlimited' and (used_hour >= 20 or used_week >= 100) then
        return 'quota_exceeded';
    end if;
    insert into pair values (least(from_id, to_id), greatest(from_id, to_id), 1, from_id,
        instant, instant + interval '180 days') on conflict do nothing;
    get diagnostics inserted = row_count;
    if inserted = 0 then return 'already_pending'; end if;
    insert into sent values (from_id, instant);
    update member set outgoing = outgoing + 1 where id = from_id;
    update member set received = received + 1 where id = to_id;
    insert into event (at, type, sender, recipient, command)
        values (instant, 'connection.requested', from_id, to_id, command_id);
    return 'pending';
exception when unique_violation then
    return 'dup';
end $$;
