CREATE TABLE "document_assists" (
	"id" uuid PRIMARY KEY NOT NULL,
	"document_id" uuid NOT NULL,
	"listener_id" bigint NOT NULL,
	"draft_ids" uuid[] NOT NULL,
	"status" text DEFAULT 'STARTING' NOT NULL,
	"reason" text,
	"client_id" bigint NOT NULL,
	"asked" jsonb NOT NULL,
	"scribe" uuid,
	"held_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"undone_at" timestamp (3) with time zone,
	"undone_by" bigint,
	CONSTRAINT "document_assists_status" CHECK ("document_assists"."status" in ('STARTING', 'WRITING', 'WRITTEN', 'STOPPED', 'FAILED'))
);
--> statement-breakpoint
ALTER TABLE "document_assists" ADD CONSTRAINT "document_assists_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_assists" ADD CONSTRAINT "document_assists_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_assists" ADD CONSTRAINT "document_assists_undone_by_listeners_id_fk" FOREIGN KEY ("undone_by") REFERENCES "public"."listeners"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "document_assists_document_id_created_at_id_index" ON "document_assists" USING btree ("document_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "document_assists_listener_id_index" ON "document_assists" USING btree ("listener_id");--> statement-breakpoint
CREATE INDEX "document_assists_undone_by_index" ON "document_assists" USING btree ("undone_by");--> statement-breakpoint
CREATE INDEX "document_assists_drafts_index" ON "document_assists" USING gin ("draft_ids");--> statement-breakpoint
CREATE INDEX "document_assists_running_index" ON "document_assists" USING btree ("created_at") WHERE status in ('STARTING', 'WRITING');