ALTER TABLE "drafts" ADD COLUMN "group_id" uuid;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "alternative" integer;--> statement-breakpoint
CREATE INDEX "drafts_group_id_index" ON "drafts" USING btree ("group_id");