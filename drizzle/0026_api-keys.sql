CREATE TABLE "api_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "api_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"prefix" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"previous_digest" "bytea",
	"previous_until" timestamp (3) with time zone,
	"name" text NOT NULL,
	"owner_id" bigint NOT NULL,
	"listener_id" bigint,
	"roles" text[] NOT NULL,
	"origins" text[] NOT NULL,
	"quota" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"created_by" bigint,
	"expires_at" timestamp (3) with time zone,
	"rotated_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_prefix_unique" UNIQUE("prefix"),
	CONSTRAINT "api_keys_roles" CHECK ("api_keys"."roles" <@ array['LISTENER', 'SERVICE', 'ANALYST', 'ADMIN'] and "api_keys"."roles" <> '{}')
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_owner_id_listeners_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_created_by_listeners_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."listeners"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_owner_id_id_index" ON "api_keys" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "api_keys_listener_id_index" ON "api_keys" USING btree ("listener_id");