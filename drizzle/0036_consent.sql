ALTER TABLE "listeners" ADD COLUMN "allows_training" boolean;--> statement-breakpoint
ALTER TABLE "listeners" ADD COLUMN "allows_analytics" boolean;--> statement-breakpoint
ALTER TABLE "listeners" ADD COLUMN "consent_updated_at" timestamp (3) with time zone;