ALTER TABLE "recommendation_lists" DROP COLUMN "reasons";--> statement-breakpoint
DROP TYPE "public"."reason_kind";