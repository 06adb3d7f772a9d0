ALTER TABLE "channel_apps" ADD COLUMN "isolation" text DEFAULT 'shared' NOT NULL;--> statement-breakpoint
ALTER TABLE "assignments" ADD COLUMN "isolation" text DEFAULT 'shared' NOT NULL;