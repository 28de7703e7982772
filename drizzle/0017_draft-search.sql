CREATE TABLE "draft_texts" (
	"draft_id" uuid PRIMARY KEY NOT NULL,
	"title" text NOT NULL,
	"until" integer NOT NULL,
	"search" "tsvector" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "draft_texts" ADD CONSTRAINT "draft_texts_draft_id_drafts_id_fk" FOREIGN KEY ("draft_id") REFERENCES "public"."drafts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "draft_texts_search_index" ON "draft_texts" USING gin ("search");