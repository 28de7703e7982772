CREATE TABLE "data_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "data_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"listener_id" bigint NOT NULL,
	"master" text NOT NULL,
	"wrapped" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "draft_texts_search_index";--> statement-breakpoint
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "data_keys_listener_id_id_index" ON "data_keys" USING btree ("listener_id","id");--> statement-breakpoint
CREATE INDEX "data_keys_master_index" ON "data_keys" USING btree ("master");--> statement-breakpoint
ALTER TABLE "draft_texts" DROP COLUMN "search";