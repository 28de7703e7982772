CREATE TABLE "trusted_documents" (
	"id" text PRIMARY KEY NOT NULL,
	"text" text NOT NULL,
	"client" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
