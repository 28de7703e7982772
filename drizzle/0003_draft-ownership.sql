CREATE TABLE "nodes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"beat" bigint DEFAULT 0 NOT NULL,
	"models" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "owner" uuid;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "texts" text[];--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "texts_until" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "compacted" integer DEFAULT 0 NOT NULL;