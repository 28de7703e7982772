CREATE TYPE "public"."member_role" AS ENUM('EDITOR', 'READER');--> statement-breakpoint
CREATE TABLE "document_links" (
	"digest" "bytea" PRIMARY KEY NOT NULL,
	"document_id" uuid NOT NULL,
	"role" "member_role" NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "document_members" (
	"document_id" uuid NOT NULL,
	"listener_id" bigint NOT NULL,
	"role" "member_role" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "document_members_document_id_listener_id_pk" PRIMARY KEY("document_id","listener_id")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "document_presence" (
	"document_id" uuid NOT NULL,
	"client_id" bigint NOT NULL,
	"listener_id" bigint NOT NULL,
	"clock" integer NOT NULL,
	"state" text,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "document_presence_document_id_client_id_pk" PRIMARY KEY("document_id","client_id")
);
--> statement-breakpoint
CREATE TABLE "document_updates" (
	"document_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"mark" integer NOT NULL,
	"update" "bytea" NOT NULL,
	"digest" "bytea" NOT NULL,
	"author_id" bigint,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "document_updates_document_id_sequence_pk" PRIMARY KEY("document_id","sequence"),
	CONSTRAINT "document_updates_sequence" CHECK ("document_updates"."sequence" > 0)
);
--> statement-breakpoint
CREATE TABLE "document_versions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"document_id" uuid NOT NULL,
	"name" text NOT NULL,
	"state" "bytea" NOT NULL,
	"author_id" bigint,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "documents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"listener_id" bigint NOT NULL,
	"title" text NOT NULL,
	"sequence" integer DEFAULT 0 NOT NULL,
	"mark" integer DEFAULT 0 NOT NULL,
	"state_vector" "bytea" DEFAULT '\x00' NOT NULL,
	"snapshot" "bytea",
	"snapshot_until" integer DEFAULT 0 NOT NULL,
	"log_bytes" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "document_links" ADD CONSTRAINT "document_links_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_members" ADD CONSTRAINT "document_members_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_members" ADD CONSTRAINT "document_members_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_presence" ADD CONSTRAINT "document_presence_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_presence" ADD CONSTRAINT "document_presence_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_updates" ADD CONSTRAINT "document_updates_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_updates" ADD CONSTRAINT "document_updates_author_id_listeners_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."listeners"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_versions" ADD CONSTRAINT "document_versions_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_versions" ADD CONSTRAINT "document_versions_author_id_listeners_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."listeners"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "documents" ADD CONSTRAINT "documents_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "document_links_document_id_index" ON "document_links" USING btree ("document_id");--> statement-breakpoint
CREATE INDEX "document_members_listener_id_index" ON "document_members" USING btree ("listener_id");--> statement-breakpoint
CREATE INDEX "document_presence_listener_id_index" ON "document_presence" USING btree ("listener_id");--> statement-breakpoint
CREATE UNIQUE INDEX "document_updates_digest_index" ON "document_updates" USING btree ("document_id","digest");--> statement-breakpoint
CREATE INDEX "document_updates_author_id_index" ON "document_updates" USING btree ("author_id");--> statement-breakpoint
CREATE INDEX "document_versions_document_id_created_at_id_index" ON "document_versions" USING btree ("document_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "document_versions_author_id_index" ON "document_versions" USING btree ("author_id");--> statement-breakpoint
CREATE INDEX "documents_listener_id_created_at_id_index" ON "documents" USING btree ("listener_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);