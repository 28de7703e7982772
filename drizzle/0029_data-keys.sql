-- What is found by them is indexed again when it is searched.
DELETE FROM "draft_texts";--> statement-breakpoint
ALTER TABLE "draft_texts" ADD COLUMN "terms" "bytea" NOT NULL;