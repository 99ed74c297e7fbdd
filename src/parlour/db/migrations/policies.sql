-- Row-level security: what the servers' role may see and change, whatever the statement says.
--
-- The whole file is applied by every `parlour migrate`, in its transaction, in place of what was there.
-- A change here comes with a migration, however empty, so that a server notices a database without it.
-- Who acts is set for each transaction (db/postgres/). Nothing set: nothing seen.

CREATE SCHEMA IF NOT EXISTS app;

-- ------------------------------------------------------------------------------------------ who is acting

CREATE OR REPLACE FUNCTION app.kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('parlour.kind', true), '') $$;

CREATE OR REPLACE FUNCTION app.actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('parlour.actor', true), '') $$;

CREATE OR REPLACE FUNCTION app.ws() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('parlour.workspace', true), '')::uuid $$;

CREATE OR REPLACE FUNCTION app.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('parlour.user', true), '')::uuid $$;

CREATE OR REPLACE FUNCTION app.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('parlour.role', true), '') $$;

-- The one ticket of a customer.
CREATE OR REPLACE FUNCTION app.ticket() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN app.kind() = 'customer' THEN nullif(current_setting('parlour.ticket', true), '')::uuid END $$;

-- Any agent: may look at everything of the workspace, notes included.
CREATE OR REPLACE FUNCTION app.looks() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'agent' AND app.role() IN ('owner', 'admin', 'agent', 'viewer'), false) $$;

-- An agent who is no viewer: may also write.
CREATE OR REPLACE FUNCTION app.works() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'agent' AND app.role() IN ('owner', 'admin', 'agent'), false) $$;

CREATE OR REPLACE FUNCTION app.manages() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'agent' AND app.role() IN ('owner', 'admin'), false) $$;

-- Anybody on the portal of one workspace.
CREATE OR REPLACE FUNCTION app.visits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'visitor' AND app.ws() IS NOT NULL, false) $$;

-- Somebody between workspaces: signing in, or looking for a portal.
CREATE OR REPLACE FUNCTION app.arrives() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'visitor' AND app.ws() IS NULL, false) $$;

-- A visitor's secrets, as their hashes.
CREATE OR REPLACE FUNCTION app.keys() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT string_to_array(app.actor(), ' ') $$;

-- The system in one workspace.
CREATE OR REPLACE FUNCTION app.serves() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'system' AND app.ws() IS NOT NULL, false) $$;

-- The system in none: jobs, sweeps, the heads of rooms.
CREATE OR REPLACE FUNCTION app.oversees() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(app.kind() = 'system' AND app.ws() IS NULL, false) $$;

-- The account of somebody who is signed in and uses it, in no workspace.
CREATE OR REPLACE FUNCTION app.person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN app.kind() = 'person' THEN app.user_id() END $$;

-- What somebody has of their own is looked up by a function where a policy asks: written out there, with the policies
-- of what it reads, it would be made ready in each statement of everybody else, a hundred nodes in one of the desk.
-- In PL/pgSQL, which plans such a look once for a connection; each is behind the policies of whoever asks.

-- The account of a person, or of whoever arrives with a session of it.
CREATE OR REPLACE FUNCTION app.own_user() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF app.arrives() THEN
        RETURN (SELECT s.user_id FROM public.sessions s WHERE s.session_hash = app.actor());
    END IF;
    RETURN app.person();
END $$;

-- The ticket of a customer, or those that a visitor's secrets open.
CREATE OR REPLACE FUNCTION app.own_tickets() RETURNS uuid[] LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF app.visits() THEN
        RETURN ARRAY(SELECT g.ticket_id FROM public.grants g
            WHERE g.workspace_id = app.ws() AND g.visitor_hash = ANY (app.keys()));
    END IF;
    RETURN ARRAY[app.ticket()];
END $$;

-- The room of a customer.
CREATE OR REPLACE FUNCTION app.own_room() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF app.ticket() IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT r.room_id FROM public.chat_rooms r
        WHERE r.workspace_id = app.ws() AND r.ticket_id = app.ticket() AND r.audience = 'public');
END $$;

-- The owner of the tables, who migrates.
DO $do$ BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION app.owns() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE '
        'AS $$ SELECT current_user = %L $$', current_user);
END $do$;

-- --------------------------------------------------------------------- every table behind its fence

DO $do$
DECLARE
    tenant_tables text[] := ARRAY[
        'tickets', 'messages', 'read_marks', 'saved_views', 'canned_replies', 'invitations', 'audit_log',
        'tags', 'ticket_tags', 'contacts', 'mentions', 'mails', 'mail_threads', 'outgoing_mails', 'participants',
        'api_keys', 'logos', 'outgoing_servers'];
    -- These have policies for whoever acts in no workspace, too.
    shared_tables text[] := ARRAY['workspaces', 'members', 'chat_rooms', 'access_links', 'grants',
        'bulk_changes', 'bulk_items', 'security_events', 'notifications', 'mailboxes', 'files', 'idempotency',
        'events', 'event_heads', 'fetched_mailboxes', 'webhooks', 'webhook_deliveries'];
    other_tables text[] := ARRAY['ticket_search', 'outbox', 'users', 'credentials', 'sessions',
        'password_resets', 'recovery_codes', 'dkim_keys'];
    one text;
    policy record;
BEGIN
    FOREACH one IN ARRAY tenant_tables || shared_tables || other_tables LOOP
        FOR policy IN SELECT policyname FROM pg_catalog.pg_policies
                WHERE schemaname = 'public' AND tablename = one LOOP
            EXECUTE format('DROP POLICY %I ON public.%I', policy.policyname, one);
        END LOOP;
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY owner ON public.%I TO %I USING (true) WITH CHECK (true)', one, current_user);
    END LOOP;
    FOREACH one IN ARRAY tenant_tables LOOP
        EXECUTE format('CREATE POLICY workspace ON public.%I AS RESTRICTIVE USING '
            '(workspace_id = (SELECT app.ws()) OR (SELECT app.owns()))', one);
    END LOOP;
    FOREACH one IN ARRAY shared_tables LOOP
        EXECUTE format('CREATE POLICY workspace ON public.%I AS RESTRICTIVE USING '
            '(workspace_id = (SELECT app.ws()) OR (SELECT app.owns() OR app.oversees() OR app.arrives() '
            'OR app.person() IS NOT NULL))', one);
    END LOOP;
END $do$;

-- ------------------------------------------------------------------------------------------- workspaces

CREATE POLICY seen ON workspaces FOR SELECT USING ((SELECT app.kind()) IS NOT NULL);
CREATE POLICY made ON workspaces FOR INSERT WITH CHECK ((SELECT app.oversees()));
CREATE POLICY changed ON workspaces FOR UPDATE USING ((SELECT app.manages() OR app.serves()));

CREATE POLICY seen ON logos FOR SELECT USING ((SELECT app.kind()) IS NOT NULL);
CREATE POLICY put ON logos FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY removed ON logos FOR DELETE USING ((SELECT app.manages() OR app.serves()));

CREATE POLICY seen ON members FOR SELECT USING (
    (SELECT app.looks() OR app.serves() OR app.oversees()) OR user_id = (SELECT app.own_user()));
CREATE POLICY let_in ON members FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY changed ON members FOR UPDATE USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY let_go ON members FOR DELETE
    USING ((SELECT app.manages() OR app.serves()) OR ((SELECT app.looks()) AND user_id = (SELECT app.user_id())));

CREATE POLICY seen ON invitations FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY made ON invitations FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY changed ON invitations FOR UPDATE USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY withdrawn ON invitations FOR DELETE USING ((SELECT app.manages() OR app.serves()));

-- A program's key is looked up, and its use noted, by the house: whoever holds one sees none.
CREATE POLICY seen ON api_keys FOR SELECT USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY made ON api_keys FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY used ON api_keys FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY revoked ON api_keys FOR DELETE USING ((SELECT app.manages() OR app.serves()));

-- Answers that are kept for whoever got them.
CREATE POLICY own ON idempotency FOR SELECT USING (principal = (SELECT app.actor()) OR (SELECT app.oversees()));
CREATE POLICY kept ON idempotency FOR INSERT WITH CHECK (principal = (SELECT app.actor()));
CREATE POLICY swept ON idempotency FOR DELETE USING ((SELECT app.oversees()));

-- Written in the name of whoever acts, and by nobody ever changed: no role but the owner has the right to.
CREATE POLICY seen ON audit_log FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY noted ON audit_log FOR INSERT WITH CHECK (actor_id = (SELECT app.actor()));

-- Sign-ins, failures and refusals, one row for each person, kind and hour. The program itself notes them.
CREATE POLICY seen ON security_events FOR SELECT USING ((SELECT app.manages() OR app.serves() OR app.oversees()));
CREATE POLICY noted ON security_events FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY counted ON security_events FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY swept ON security_events FOR DELETE USING ((SELECT app.oversees()));

-- What happened, written in the name of whoever did it, and put in order by the house. Whoever reads tickets reads it.
CREATE POLICY seen ON events FOR SELECT USING ((SELECT app.looks() OR app.serves() OR app.oversees()));
CREATE POLICY noted ON events FOR INSERT WITH CHECK (
    actor = CASE WHEN (SELECT app.kind()) = 'agent' THEN (SELECT app.actor()) ELSE (SELECT app.kind()) END
    AND ((SELECT app.works() OR app.serves()) OR ticket_id = (SELECT app.ticket())));
CREATE POLICY placed ON events FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY swept ON events FOR DELETE USING ((SELECT app.serves()));

CREATE POLICY seen ON event_heads FOR SELECT USING ((SELECT app.looks() OR app.serves() OR app.oversees()));
CREATE POLICY made ON event_heads FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY moved ON event_heads FOR UPDATE USING ((SELECT app.serves()));

-- Where what happened is posted to, with the sealed secrets that sign it, and what was posted.
CREATE POLICY seen ON webhooks FOR SELECT USING ((SELECT app.manages() OR app.serves() OR app.oversees()));
CREATE POLICY made ON webhooks FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY changed ON webhooks FOR UPDATE USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY dropped ON webhooks FOR DELETE USING ((SELECT app.manages() OR app.serves()));

CREATE POLICY seen ON webhook_deliveries FOR SELECT USING ((SELECT app.manages() OR app.serves() OR app.oversees()));
CREATE POLICY noted ON webhook_deliveries FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY settled ON webhook_deliveries FOR UPDATE USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY forgotten ON webhook_deliveries FOR DELETE USING ((SELECT app.serves() OR app.oversees()));

-- ---------------------------------------------------------------------------------------------- tickets

CREATE POLICY seen ON tickets FOR SELECT USING (
    (SELECT app.looks() OR app.serves()) OR ticket_id = ANY ((SELECT app.own_tickets())::uuid[]));
CREATE POLICY opened ON tickets FOR INSERT WITH CHECK ((SELECT app.visits() OR app.serves()));
CREATE POLICY changed ON tickets FOR UPDATE
    USING ((SELECT app.works() OR app.serves()) OR ticket_id = (SELECT app.ticket()));

-- Nobody selects from it but the owner, in functions as `app.search_next`; a fence before that would keep the index from it.
CREATE POLICY workspace ON ticket_search AS RESTRICTIVE FOR INSERT
    WITH CHECK (workspace_id = (SELECT app.ws()) OR (SELECT app.owns()));
CREATE POLICY found ON ticket_search FOR INSERT
    WITH CHECK ((SELECT app.works() OR app.visits() OR app.serves()) OR ticket_id = (SELECT app.ticket()));

-- ------------------------------------------------------------------------------------ rooms and messages

CREATE POLICY seen ON chat_rooms FOR SELECT USING (
    (SELECT app.looks() OR app.serves() OR app.oversees())
    OR (ticket_id = (SELECT app.ticket()) AND audience = 'public'));
CREATE POLICY opened ON chat_rooms FOR INSERT WITH CHECK ((SELECT app.visits() OR app.serves()));
CREATE POLICY written ON chat_rooms FOR UPDATE USING (
    (SELECT app.works() OR app.serves()) OR (ticket_id = (SELECT app.ticket()) AND audience = 'public'));

-- Whether a room is of a closed ticket in which nothing was said for as long as the workspace keeps it.
CREATE OR REPLACE FUNCTION app.is_kept_no_longer(room uuid) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (
    SELECT FROM public.chat_rooms r
    JOIN public.tickets t ON t.workspace_id = r.workspace_id AND t.ticket_id = r.ticket_id
    JOIN public.workspaces w ON w.workspace_id = r.workspace_id
    WHERE r.workspace_id = app.ws() AND r.room_id = room AND t.status = 'closed'
        AND (w.settings ->> 'delete_after')::integer > 0
        AND t.last_message_at < now() - make_interval(days => (w.settings ->> 'delete_after')::integer)) $$;

DO $do$
DECLARE
    own_room text := 'room_id = (SELECT app.own_room())';
BEGIN
    EXECUTE format('CREATE POLICY seen ON messages FOR SELECT USING ((SELECT app.looks() OR app.serves()) OR %s)', own_room);
    EXECUTE format($policy$
        CREATE POLICY sent ON messages FOR INSERT WITH CHECK (
            (SELECT app.serves())
            OR ((SELECT app.works()) AND (sender_type = 'system'
                OR (sender_type = 'agent' AND sender_id = (SELECT app.actor()))))
            OR (%s AND (sender_type = 'system'
                OR (sender_type = 'customer' AND sender_id = (SELECT app.actor())))))$policy$, own_room);
    -- What was said is never changed, but for what a workspace keeps no longer, of which nothing is left.
    CREATE POLICY expired ON messages FOR UPDATE USING ((SELECT app.serves()) AND app.is_kept_no_longer(room_id))
        WITH CHECK (content = '[erased]' OR sender_type = 'system');
    EXECUTE format('CREATE POLICY seen ON read_marks FOR SELECT USING ((SELECT app.looks() OR app.serves()) OR %s)', own_room);
    EXECUTE format($policy$
        CREATE POLICY left_behind ON read_marks FOR INSERT WITH CHECK (
            (SELECT app.serves())
            OR (reader = (SELECT app.actor()) AND ((SELECT app.works()) OR %s)))$policy$, own_room);

    -- What is uploaded is its uploader's alone until a message brings it; a visitor's has no room yet.
    EXECUTE format($policy$
        CREATE POLICY seen ON files FOR SELECT USING (
            (SELECT app.looks() OR app.serves() OR app.oversees())
            OR ((SELECT app.visits()) AND seq IS NULL AND uploader = ANY ((SELECT app.keys())::text[]))
            OR (%s AND (seq IS NOT NULL OR uploader = (SELECT app.actor()))))$policy$, own_room);
    EXECUTE format($policy$
        CREATE POLICY uploaded ON files FOR INSERT WITH CHECK (
            (SELECT app.serves())
            OR (seq IS NULL AND (
                ((SELECT app.visits()) AND room_id IS NULL AND uploader = ANY ((SELECT app.keys())::text[]))
                OR (uploader = (SELECT app.actor()) AND ((SELECT app.works()) OR %s)))))$policy$, own_room);
    EXECUTE format($policy$
        CREATE POLICY changed ON files FOR UPDATE USING (
            (SELECT app.serves())
            OR (seq IS NULL AND (
                ((SELECT app.visits()) AND room_id IS NULL AND uploader = ANY ((SELECT app.keys())::text[]))
                OR (uploader = (SELECT app.actor()) AND ((SELECT app.works()) OR %s))))) WITH CHECK (
            (SELECT app.serves())
            OR ((SELECT app.visits()) AND room_id IS NULL AND uploader = ANY ((SELECT app.keys())::text[]))
            OR (uploader = (SELECT app.actor()) AND ((SELECT app.works()) OR %1$s)))$policy$, own_room);
    EXECUTE format($policy$
        CREATE POLICY taken_back ON files FOR DELETE USING (
            (SELECT app.serves() OR app.oversees())
            OR (seq IS NULL AND (
                ((SELECT app.visits()) AND room_id IS NULL AND uploader = ANY ((SELECT app.keys())::text[]))
                OR (uploader = (SELECT app.actor()) AND ((SELECT app.works()) OR %s)))))$policy$, own_room);
END $do$;

CREATE POLICY moved ON read_marks FOR UPDATE
    USING ((SELECT app.serves()) OR (reader = (SELECT app.actor()) AND (SELECT app.works() OR app.ticket() IS NOT NULL)));

CREATE POLICY seen ON mentions FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY named ON mentions FOR INSERT WITH CHECK ((SELECT app.works() OR app.serves()));

-- Whoever causes them writes none of them: the house does, for whom they are about. Everybody reads their own.
CREATE POLICY seen ON notifications FOR SELECT USING (
    (SELECT app.serves() OR app.oversees()) OR ((SELECT app.looks()) AND user_id = (SELECT app.user_id())));
CREATE POLICY told ON notifications FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY changed ON notifications FOR UPDATE USING (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND user_id = (SELECT app.user_id())));
CREATE POLICY gone ON notifications FOR DELETE USING ((SELECT app.serves() OR app.oversees()));

-- ------------------------------------------------------------------------------------------------- mail

-- Whoever brings mail asks for whom it is, in no workspace yet. Only the operator gives an address.
CREATE POLICY seen ON mailboxes FOR SELECT USING ((SELECT app.looks() OR app.serves() OR app.oversees()));
CREATE POLICY made ON mailboxes FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY changed ON mailboxes FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY gone ON mailboxes FOR DELETE USING ((SELECT app.serves()));

-- It holds passwords, sealed: only the house meets them.
CREATE POLICY seen ON fetched_mailboxes FOR SELECT USING ((SELECT app.serves() OR app.oversees()));
CREATE POLICY begun ON fetched_mailboxes FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY fetched ON fetched_mailboxes FOR UPDATE USING ((SELECT app.serves() OR app.oversees()));
CREATE POLICY ended ON fetched_mailboxes FOR DELETE USING ((SELECT app.serves()));

-- As the one before.
CREATE POLICY seen ON outgoing_servers FOR SELECT USING ((SELECT app.serves()));
CREATE POLICY put ON outgoing_servers FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY sealed ON outgoing_servers FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY gone ON outgoing_servers FOR DELETE USING ((SELECT app.serves()));

CREATE POLICY seen ON mails FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY came ON mails FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY settled ON mails FOR UPDATE USING ((SELECT app.works() OR app.serves()));

CREATE POLICY seen ON mail_threads FOR SELECT USING ((SELECT app.serves()));
CREATE POLICY begun ON mail_threads FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY gone_on ON mail_threads FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY gone ON mail_threads FOR DELETE USING ((SELECT app.serves()));

CREATE POLICY seen ON participants FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY joined ON participants FOR INSERT WITH CHECK ((SELECT app.works() OR app.serves()));
CREATE POLICY gone ON participants FOR DELETE USING ((SELECT app.works() OR app.serves()));

CREATE POLICY seen ON outgoing_mails FOR SELECT USING ((SELECT app.looks() OR app.serves() OR app.oversees()));
CREATE POLICY queued ON outgoing_mails FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY gone_on ON outgoing_mails FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY not_needed ON outgoing_mails FOR DELETE USING ((SELECT app.serves()));

-- ----------------------------------------------------------------------------------------- ways in

CREATE POLICY seen ON access_links FOR SELECT USING ((SELECT app.works() OR app.serves() OR app.oversees()));
CREATE POLICY made ON access_links FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY revoked ON access_links FOR UPDATE USING ((SELECT app.works() OR app.serves()));
CREATE POLICY swept ON access_links FOR DELETE USING ((SELECT app.oversees()));

-- A visitor acts under the hashes of the browser's secrets.
CREATE POLICY seen ON grants FOR SELECT USING (
    (SELECT app.works() OR app.serves() OR app.oversees())
    OR ((SELECT app.visits()) AND visitor_hash = ANY ((SELECT app.keys())::text[])));
CREATE POLICY given ON grants FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY renewed ON grants FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY taken ON grants FOR DELETE USING ((SELECT app.works() OR app.serves() OR app.oversees()));

-- ----------------------------------------------------------------------------------------- the desk's own

CREATE POLICY seen ON saved_views FOR SELECT USING (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND (owner_id IS NULL OR owner_id = (SELECT app.user_id()))));
CREATE POLICY made ON saved_views FOR INSERT WITH CHECK (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND owner_id = (SELECT app.user_id()))
    OR ((SELECT app.works()) AND owner_id IS NULL));
CREATE POLICY changed ON saved_views FOR UPDATE USING (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND owner_id = (SELECT app.user_id()))
    OR ((SELECT app.works()) AND owner_id IS NULL));
CREATE POLICY dropped ON saved_views FOR DELETE USING (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND owner_id = (SELECT app.user_id()))
    OR ((SELECT app.works()) AND owner_id IS NULL));

CREATE POLICY seen ON canned_replies FOR SELECT USING (
    (SELECT app.serves()) OR ((SELECT app.looks()) AND (owner_id IS NULL OR owner_id = (SELECT app.user_id()))));
CREATE POLICY made ON canned_replies FOR INSERT WITH CHECK (
    (SELECT app.serves()) OR ((SELECT app.works()) AND (owner_id IS NULL OR owner_id = (SELECT app.user_id()))));
CREATE POLICY changed ON canned_replies FOR UPDATE USING (
    (SELECT app.serves()) OR ((SELECT app.works()) AND (owner_id IS NULL OR owner_id = (SELECT app.user_id()))));
CREATE POLICY dropped ON canned_replies FOR DELETE USING (
    (SELECT app.serves()) OR ((SELECT app.works()) AND (owner_id IS NULL OR owner_id = (SELECT app.user_id()))));

CREATE POLICY seen ON contacts FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY made ON contacts FOR INSERT WITH CHECK ((SELECT app.serves()));
CREATE POLICY changed ON contacts FOR UPDATE USING ((SELECT app.works() OR app.serves()));

CREATE POLICY seen ON tags FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY made ON tags FOR INSERT WITH CHECK ((SELECT app.manages() OR app.serves()));
CREATE POLICY changed ON tags FOR UPDATE USING ((SELECT app.manages() OR app.serves()));
CREATE POLICY dropped ON tags FOR DELETE USING ((SELECT app.serves()));

CREATE POLICY seen ON ticket_tags FOR SELECT USING ((SELECT app.looks() OR app.serves()));
CREATE POLICY put_on ON ticket_tags FOR INSERT WITH CHECK ((SELECT app.works() OR app.serves()));
CREATE POLICY follows ON ticket_tags FOR UPDATE USING ((SELECT app.serves()));
CREATE POLICY taken_off ON ticket_tags FOR DELETE USING ((SELECT app.works() OR app.serves()));

CREATE POLICY worked ON bulk_changes USING ((SELECT app.works() OR app.serves()));
CREATE POLICY worked ON bulk_items USING ((SELECT app.works() OR app.serves()));
CREATE POLICY old ON bulk_changes FOR SELECT USING ((SELECT app.oversees()));
CREATE POLICY old ON bulk_items FOR SELECT USING ((SELECT app.oversees()));
CREATE POLICY swept ON bulk_changes FOR DELETE USING ((SELECT app.oversees()));
CREATE POLICY swept ON bulk_items FOR DELETE USING ((SELECT app.oversees()));

-- ------------------------------------------------------------------------------------------------ jobs

-- Whoever acts stores jobs of the own workspace; only the system takes them, and adds to what a job remembers.
CREATE POLICY stored ON outbox FOR INSERT
    WITH CHECK (workspace_id = (SELECT app.ws()) OR (SELECT app.oversees()));
CREATE POLICY seen ON outbox FOR SELECT
    USING ((SELECT app.oversees()) OR ((SELECT app.serves()) AND workspace_id = (SELECT app.ws())));
CREATE POLICY run ON outbox FOR UPDATE
    USING ((SELECT app.oversees()) OR ((SELECT app.serves()) AND workspace_id = (SELECT app.ws())));
CREATE POLICY swept ON outbox FOR DELETE
    USING ((SELECT app.oversees()) OR ((SELECT app.serves()) AND workspace_id = (SELECT app.ws())));

-- -------------------------------------------------------------------------------------------- accounts

-- An account is in several workspaces. Its name and address are seen by those who work with it, in the
-- workspaces that it belongs to; who is not signed in yet acts under the hash of the browser's session and
-- sees whose it is. Only its own person meets its secrets, and the system in no workspace, which signs people
-- in.
CREATE POLICY seen ON users FOR SELECT USING (
    (SELECT app.oversees())
    OR user_id = (SELECT app.own_user())
    OR ((SELECT app.looks() OR app.serves()) AND EXISTS (
        SELECT FROM members m WHERE m.workspace_id = (SELECT app.ws()) AND m.user_id = users.user_id)));
CREATE POLICY made ON users FOR INSERT WITH CHECK ((SELECT app.oversees()));
CREATE POLICY changed ON users FOR UPDATE USING ((SELECT app.oversees()) OR user_id = (SELECT app.person()));

CREATE POLICY own ON credentials USING ((SELECT app.oversees()) OR user_id = (SELECT app.person()));
CREATE POLICY own ON recovery_codes USING ((SELECT app.oversees()) OR user_id = (SELECT app.person()));
CREATE POLICY own ON password_resets USING ((SELECT app.oversees()) OR user_id = (SELECT app.person()));
CREATE POLICY own ON sessions USING ((SELECT app.oversees()) OR user_id = (SELECT app.person()));
CREATE POLICY held ON sessions FOR SELECT
    USING ((SELECT app.arrives()) AND session_hash = (SELECT app.actor()));

-- Secrets of the house, which signs mails of every workspace with them.
CREATE POLICY own ON dkim_keys USING ((SELECT app.oversees()));

-- ---------------------------------------------------------------------------------------------- search

-- `@@` may not be asked of rows behind a policy before the policy is (it could tell of them), so no index
-- would serve it. These functions ask as the owner and keep the workspaces apart themselves.

-- The newest places before this one that hold what is wanted, up to `enough`, and last a row of no ticket: how far was
-- looked, or nothing where there is no more. `looks` says how many places are compared one by one at first, then, and in
-- all. Where hardly any of the first hold it, and where the next are not enough, the index is asked, once.
-- `seldom` is `rare` of the first time: the release before gives it a number of its own. It goes when that release is
-- no longer the one before, as `search_newest` does.
CREATE OR REPLACE FUNCTION app.search_next(
    wanted text, before bigint, enough integer, looks integer[], hardly integer, seldom integer, rare integer)
RETURNS TABLE (place bigint, ticket uuid, found_words text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    here uuid := app.ws();
    asked tsquery := wanted;
    last bigint := before;
    seen integer := 0;
    matches integer := 0;
    ends boolean := here IS NULL OR NOT (app.looks() OR app.serves());
    longest integer := looks[array_upper(looks, 1)];
    most integer := seldom;
    index_told boolean;
BEGIN
    FOR look IN 1 .. array_length(looks, 1) LOOP
        EXIT WHEN ends OR matches = enough;
        -- Put so, only the primary key has this order; the index of positions would lead through everybody's places.
        FOR place, ticket, found_words IN SELECT s."position", s.ticket_id, CASE WHEN s.tsv @@ asked THEN s.words END
                FROM public.ticket_search s
                WHERE (s.workspace_id, s."position") < (here, last) AND s.workspace_id >= here
                ORDER BY s.workspace_id DESC, s."position" DESC LIMIT looks[look] - seen LOOP
            seen := seen + 1;
            last := place;
            IF found_words IS NOT NULL THEN
                matches := matches + 1;
                RETURN NEXT;
                EXIT WHEN matches = enough;
            END IF;
        END LOOP;
        ends := matches < enough AND seen < looks[look];
        CONTINUE WHEN ends OR matches = enough OR most IS NULL;
        IF look = 1 THEN
            CONTINUE WHEN matches >= hardly;
        ELSE
            CONTINUE WHEN matches + matches::bigint * (longest - seen) / seen >= enough;
            most := rare;
        END IF;
        index_told := true;
        FOR place, ticket, found_words IN SELECT * FROM app.search_rare(wanted, last, enough - matches, most) LOOP
            index_told := place IS NOT NULL;
            EXIT WHEN NOT index_told;
            last := place;
            matches := matches + 1;
            RETURN NEXT;
        END LOOP;
        ends := index_told AND matches < enough;
        most := NULL;  -- it walks along all of them each time
    END LOOP;
    place := CASE WHEN NOT ends THEN last END;
    ticket := NULL;
    found_words := NULL;
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_next(text, bigint, integer, integer[], integer, integer, integer) FROM PUBLIC;

-- This one is the release before's, and goes with it.
-- The newest places of the workspace before this one, whatever they hold: without words where it is not `wanted`.
-- Put so, only the primary key has this order; the index of positions would lead through everybody else's places.
CREATE OR REPLACE FUNCTION app.search_newest(wanted text, before bigint, size integer)
RETURNS TABLE (place bigint, ticket uuid, found_words text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    here uuid := app.ws();
    asked tsquery := wanted;
BEGIN
    IF here IS NULL OR NOT (app.looks() OR app.serves()) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT s."position", s.ticket_id, CASE WHEN s.tsv @@ asked THEN s.words END
        FROM public.ticket_search s
        WHERE (s.workspace_id, s."position") < (here, before) AND s.workspace_id >= here
        ORDER BY s.workspace_id DESC, s."position" DESC LIMIT size;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_newest(text, bigint, integer) FROM PUBLIC;

-- The newest places before this one that hold what is wanted, by the index of words alone (OFFSET 0 says so). It
-- has no order, and no more than `most` rows are read to be sorted: of words that more hold it says nothing but that,
-- in a row without a place.
CREATE OR REPLACE FUNCTION app.search_rare(wanted text, before bigint, size integer, most integer)
RETURNS TABLE (place bigint, ticket uuid, found_words text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_indexscan = off SET enable_bitmapscan = on SET enable_sort = on
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    here uuid := app.ws();
    asked tsquery := format('%s & (%s)', replace(here::text, '-', ''), wanted);
BEGIN
    IF here IS NULL OR NOT (app.looks() OR app.serves()) THEN
        RETURN;
    END IF;
    RETURN QUERY WITH held AS MATERIALIZED (SELECT s."position" AS at
            FROM (SELECT * FROM public.ticket_search t WHERE t.tsv @@ asked OFFSET 0) s
            WHERE s.workspace_id = here LIMIT most + 1),
        newest AS MATERIALIZED (SELECT h.at FROM held h WHERE h.at < before AND (SELECT count(*) FROM held) <= most
            ORDER BY h.at DESC LIMIT size)
        (SELECT s."position", s.ticket_id, s.words FROM newest n CROSS JOIN LATERAL (SELECT *
                FROM public.ticket_search t WHERE t.workspace_id = here AND t."position" = n.at) s
            ORDER BY n.at DESC)
        UNION ALL SELECT NULL, NULL, NULL WHERE (SELECT count(*) FROM held) > most;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_rare(text, bigint, integer, integer) FROM PUBLIC;

-- The words of these places, to show a part of them.
CREATE OR REPLACE FUNCTION app.search_words(places bigint[])
RETURNS TABLE (place bigint, found_words text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF app.ws() IS NULL OR NOT (app.looks() OR app.serves()) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT s."position", s.words FROM public.ticket_search s
        WHERE s.workspace_id = app.ws() AND s."position" = ANY (places);
END $$;
REVOKE EXECUTE ON FUNCTION app.search_words(bigint[]) FROM PUBLIC;

-- What older releases wrote, by position and from both sides, to have its terms made anew; `mailbox` is the
-- customer's address where the words are a ticket's subject. The system asks, as the owner.
CREATE OR REPLACE FUNCTION app.search_places(edge bigint, newer boolean, size integer)
RETURNS TABLE (place bigint, workspace uuid, ticket uuid, found_words text, mailbox text, found_terms text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT app.oversees() THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT s."position", s.workspace_id, s.ticket_id, s.words, t.email, s.terms '
        'FROM (SELECT * FROM public.ticket_search WHERE "position" %s $1 ORDER BY "position" %s LIMIT $2) s '
        'LEFT JOIN public.tickets t ON t.workspace_id = s.workspace_id AND t.ticket_id = s.ticket_id '
        'AND t.subject = s.words ORDER BY s."position" %2$s',
        CASE WHEN newer THEN '>' ELSE '<' END, CASE WHEN newer THEN 'ASC' ELSE 'DESC' END)
        USING edge, size;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_places(bigint, boolean, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION app.search_terms(place bigint, workspace uuid, new_words text, new_terms text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF app.oversees() THEN
        UPDATE public.ticket_search SET words = new_words, terms = new_terms
        WHERE workspace_id = workspace AND "position" = place;
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_terms(bigint, uuid, text, text) FROM PUBLIC;

-- The next places beyond that one find none of these tickets any more, if they are closed; the last of them.
CREATE OR REPLACE FUNCTION app.search_forget(gone uuid[], edge bigint, size integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last bigint;
BEGIN
    IF NOT app.serves() THEN
        RETURN NULL;
    END IF;
    SELECT max(s."position") INTO last FROM (
        SELECT t."position" FROM public.ticket_search t WHERE t.workspace_id = app.ws() AND t."position" > edge
        ORDER BY t."position" LIMIT size) s;
    UPDATE public.ticket_search s SET words = '', terms = replace(app.ws()::text, '-', '')
        WHERE s.workspace_id = app.ws() AND s."position" > edge AND s."position" <= last
        AND s.ticket_id = ANY (gone) AND EXISTS (
            SELECT FROM public.tickets t WHERE t.workspace_id = s.workspace_id AND t.ticket_id = s.ticket_id
            AND t.status = 'closed');
    RETURN last;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_forget(uuid[], bigint, integer) FROM PUBLIC;
