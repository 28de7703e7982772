CREATE TABLE "usage_days" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "usage_days_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"day" date NOT NULL,
	"listener_id" bigint NOT NULL,
	"key_id" bigint,
	"requests" bigint DEFAULT 0 NOT NULL,
	"drafts" bigint DEFAULT 0 NOT NULL,
	"tokens_in" bigint DEFAULT 0 NOT NULL,
	"tokens_out" bigint DEFAULT 0 NOT NULL,
	"engine_ms" double precision DEFAULT 0 NOT NULL,
	"stored_bytes" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "usage_days_of" UNIQUE NULLS NOT DISTINCT("day","listener_id","key_id")
);
--> statement-breakpoint
CREATE TABLE "usage_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "usage_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"day" date NOT NULL,
	"listener_id" bigint NOT NULL,
	"key_id" bigint,
	"requests" integer DEFAULT 0 NOT NULL,
	"drafts" integer DEFAULT 0 NOT NULL,
	"tokens_in" integer DEFAULT 0 NOT NULL,
	"tokens_out" integer DEFAULT 0 NOT NULL,
	"engine_ms" double precision DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_writers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"portion" bigint NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "payer_id" bigint;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "payer_key_id" bigint;--> statement-breakpoint
ALTER TABLE "usage_days" ADD CONSTRAINT "usage_days_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_days" ADD CONSTRAINT "usage_days_key_id_api_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."api_keys"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "usage_days_listener_id_id_index" ON "usage_days" USING btree ("listener_id","id");--> statement-breakpoint
CREATE INDEX "usage_days_key_id_day_index" ON "usage_days" USING btree ("key_id","day");--> statement-breakpoint
CREATE FUNCTION "public"."usage_number"("usage" jsonb, "name" text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  -- Null in a row that is damaged.
  SELECT CASE WHEN jsonb_typeof("usage"->"name") = 'number' THEN ("usage"->>"name")::float8 END
$$;--> statement-breakpoint
CREATE FUNCTION "public"."note_draft_usage"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The differences of a draft's usage add up to its usage, whichever nodes write it, and whenever they die.
  INSERT INTO "public"."usage_entries" ("day", "listener_id", "key_id", "tokens_in", "tokens_out", "engine_ms") VALUES (
    (NEW."updated_at" AT TIME ZONE 'UTC')::date, coalesce(NEW."payer_id", NEW."listener_id"), NEW."payer_key_id",
    coalesce("public"."usage_number"(NEW."usage", 'promptTokens') - "public"."usage_number"(OLD."usage", 'promptTokens'), 0),
    coalesce("public"."usage_number"(NEW."usage", 'completionTokens') - "public"."usage_number"(OLD."usage", 'completionTokens'), 0),
    coalesce("public"."usage_number"(NEW."usage", 'engineMs'), 0) - coalesce("public"."usage_number"(OLD."usage", 'engineMs'), 0));
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "drafts_note_usage" AFTER UPDATE OF "usage" ON "drafts" FOR EACH ROW
  WHEN (OLD."usage" IS DISTINCT FROM NEW."usage") EXECUTE FUNCTION "public"."note_draft_usage"();--> statement-breakpoint
CREATE FUNCTION "public"."note_deleted_draft"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- It is being written, so that what the log has of its turn is not in its usage yet.
  INSERT INTO "public"."usage_entries" ("day", "listener_id", "key_id", "tokens_out")
  SELECT (now() AT TIME ZONE 'UTC')::date, coalesce(OLD."payer_id", OLD."listener_id"), OLD."payer_key_id",
    coalesce(sum(coalesce(jsonb_array_length(e."event"->'tokens'), get_byte(e."tokens", 1) + 256 * get_byte(e."tokens", 2))), 0)
  FROM "public"."draft_events" e
  WHERE e."draft_id" = OLD."id" AND e."sequence" > (OLD."turns"->-1->>'from')::int
    AND (e."tokens" IS NOT NULL OR e."event" ? 'tokens');
  RETURN OLD;
END $$;--> statement-breakpoint
CREATE TRIGGER "drafts_note_deleted" BEFORE DELETE ON "drafts" FOR EACH ROW
  WHEN (OLD."status" IN ('QUEUED', 'GENERATING')) EXECUTE FUNCTION "public"."note_deleted_draft"();
