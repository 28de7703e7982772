ALTER TABLE "drafts" ALTER COLUMN "epoch" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "drafts" ALTER COLUMN "epoch" SET DEFAULT 1;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "epochs" bigint[] DEFAULT '{1}' NOT NULL;--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "epoch_starts" integer[] DEFAULT '{0}' NOT NULL;