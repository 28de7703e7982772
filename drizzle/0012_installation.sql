CREATE TABLE "installation" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"draft_log" text,
	CONSTRAINT "installation_only" CHECK ("installation"."only")
);
