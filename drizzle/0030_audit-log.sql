CREATE TABLE "audit_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"listener_id" bigint,
	"key_prefix" text,
	"action" text NOT NULL,
	"subject_id" bigint,
	"object" text,
	"address" text,
	"request_id" text,
	"outcome" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "audit_entries_at_index" ON "audit_entries" USING btree ("at");--> statement-breakpoint
CREATE FUNCTION "public"."refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  -- Whoever removes old entries says how old, at least a day.
  keeps int := nullif(current_setting('cadenza.audit_days', true), '')::int;
BEGIN
  IF TG_OP = 'DELETE' AND keeps >= 1 AND OLD."at" < now() - make_interval(days => keeps) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'entries of the audit log cannot be changed or removed' USING ERRCODE = 'insufficient_privilege';
END $$;--> statement-breakpoint
CREATE TRIGGER "audit_entries_keep" BEFORE UPDATE OR DELETE ON "audit_entries" FOR EACH ROW EXECUTE FUNCTION "public"."refuse_audit_change"();--> statement-breakpoint
CREATE TRIGGER "audit_entries_keep_all" BEFORE TRUNCATE ON "audit_entries" FOR EACH STATEMENT EXECUTE FUNCTION "public"."refuse_audit_change"();
