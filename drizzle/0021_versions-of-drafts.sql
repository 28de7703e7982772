ALTER TABLE "drafts" ADD COLUMN "parent_id" uuid;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "origin" jsonb;--> statement-breakpoint
ALTER TABLE "drafts" ADD CONSTRAINT "drafts_parent_id_drafts_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."drafts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "drafts_parent_id_created_at_id_index" ON "drafts" USING btree ("parent_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);