CREATE TABLE "claimed_visitors" (
	"external_id" text PRIMARY KEY NOT NULL,
	"listener_id" bigint NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "claimed_visitors" ADD CONSTRAINT "claimed_visitors_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "claimed_visitors_listener_id_index" ON "claimed_visitors" USING btree ("listener_id");