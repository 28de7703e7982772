CREATE TYPE "public"."verdict_dimension" AS ENUM('REACTION', 'SAVED', 'HIDDEN');--> statement-breakpoint
CREATE TABLE "verdicts" (
	"listener_id" bigint NOT NULL,
	"track_id" bigint NOT NULL,
	"dimension" "verdict_dimension" NOT NULL,
	"kind" "feedback_kind",
	"at" timestamp (3) with time zone NOT NULL,
	"feedback_id" bigint NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "verdicts_listener_id_track_id_dimension_pk" PRIMARY KEY("listener_id","track_id","dimension")
);
--> statement-breakpoint
ALTER TABLE "verdicts" ADD CONSTRAINT "verdicts_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verdicts" ADD CONSTRAINT "verdicts_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "verdicts_track_id_index" ON "verdicts" USING btree ("track_id");--> statement-breakpoint
CREATE INDEX "feedback_listener_id_track_id_index" ON "feedback" USING btree ("listener_id","track_id");--> statement-breakpoint
CREATE VIEW "public"."standing_feedback" AS (
  select f.id, f.listener_id, f.track_id, f.kind, f.plays, f.at
  from feedback f left join verdicts v on v.listener_id = f.listener_id and v.track_id = f.track_id
    and v.dimension = case f.kind when 'LIKE' then 'REACTION'::verdict_dimension when 'DISLIKE' then 'REACTION'::verdict_dimension
      when 'SAVE' then 'SAVED'::verdict_dimension when 'HIDE' then 'HIDDEN'::verdict_dimension end
  where v.listener_id is null or (f.id > v.feedback_id and f.at >= v.at)
  union all
  select null, listener_id, track_id, kind, 1, at from verdicts where kind is not null);