CREATE TABLE "app_secrets" (
	"app" text NOT NULL,
	"channel" text NOT NULL,
	"name" text NOT NULL,
	"id" uuid NOT NULL,
	"locked" text NOT NULL,
	"bytes" integer NOT NULL,
	"set_at" timestamp with time zone NOT NULL,
	"set_by" text NOT NULL,
	CONSTRAINT "app_secrets_app_channel_name_pk" PRIMARY KEY("app","channel","name"),
	CONSTRAINT "app_secrets_id_unique" UNIQUE("id")
);
--> statement-breakpoint
ALTER TABLE "certificates" ADD COLUMN "sealing_key" text;--> statement-breakpoint
ALTER TABLE "assignments" ADD COLUMN "secrets" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "assignments" ADD COLUMN "recipient" text;--> statement-breakpoint
ALTER TABLE "assignments" ADD COLUMN "sealed" jsonb;