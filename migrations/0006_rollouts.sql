CREATE TABLE "device_rests" (
	"device" text PRIMARY KEY NOT NULL,
	"until" timestamp with time zone NOT NULL,
	"why" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pins" (
	"device" text NOT NULL,
	"app" text NOT NULL,
	"channel" text NOT NULL,
	"version" text NOT NULL,
	"grants" jsonb NOT NULL,
	"config" jsonb NOT NULL,
	"limits" jsonb NOT NULL,
	"triggers" jsonb NOT NULL,
	"health" jsonb NOT NULL,
	"isolation" text DEFAULT 'shared' NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"by" text NOT NULL,
	"reason" text,
	"revision" integer NOT NULL,
	CONSTRAINT "pins_device_app_pk" PRIMARY KEY("device","app")
);
--> statement-breakpoint
CREATE TABLE "rollout_members" (
	"rollout" uuid NOT NULL,
	"device" text NOT NULL,
	"wave" integer NOT NULL,
	"position" integer NOT NULL,
	"state" text NOT NULL,
	"cause" text,
	"time_zone" text NOT NULL,
	"holds" boolean DEFAULT false NOT NULL,
	"updated" timestamp with time zone NOT NULL,
	CONSTRAINT "rollout_members_rollout_device_pk" PRIMARY KEY("rollout","device")
);
--> statement-breakpoint
CREATE TABLE "rollout_targets" (
	"rollout" uuid NOT NULL,
	"channel" text NOT NULL,
	"app" text NOT NULL,
	"version" text NOT NULL,
	"grants" jsonb NOT NULL,
	"config" jsonb NOT NULL,
	"limits" jsonb NOT NULL,
	"triggers" jsonb NOT NULL,
	"health" jsonb NOT NULL,
	"isolation" text DEFAULT 'shared' NOT NULL,
	"base_revision" integer NOT NULL,
	"base" jsonb,
	"gains" text[] NOT NULL,
	"loses" text[] NOT NULL,
	"active" boolean DEFAULT false NOT NULL,
	CONSTRAINT "rollout_targets_rollout_app_pk" PRIMARY KEY("rollout","app")
);
--> statement-breakpoint
CREATE TABLE "rollouts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"number" bigserial NOT NULL,
	"name" text NOT NULL,
	"channel" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"spec" jsonb NOT NULL,
	"waves" jsonb NOT NULL,
	"fingerprint" text NOT NULL,
	"created" timestamp with time zone NOT NULL,
	"created_by" text NOT NULL,
	"creator" text,
	"approved_by" text,
	"reverts" uuid,
	"updated" timestamp with time zone NOT NULL,
	"revision" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "assignments" ADD COLUMN "rollout" uuid;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "rollout" uuid;--> statement-breakpoint
CREATE INDEX "pins_app_index" ON "pins" USING btree ("app");--> statement-breakpoint
CREATE INDEX "rollout_members_rollout_wave_state_position_index" ON "rollout_members" USING btree ("rollout","wave","state","position");--> statement-breakpoint
CREATE INDEX "rollout_members_holding" ON "rollout_members" USING btree ("device") WHERE holds;--> statement-breakpoint
CREATE UNIQUE INDEX "rollout_targets_active" ON "rollout_targets" USING btree ("channel","app") WHERE active;--> statement-breakpoint
CREATE UNIQUE INDEX "rollouts_number_index" ON "rollouts" USING btree ("number");--> statement-breakpoint
CREATE INDEX "rollouts_state_index" ON "rollouts" USING btree ("state");--> statement-breakpoint
CREATE INDEX "executions_app_created_index" ON "executions" USING btree ("app","created" DESC NULLS LAST);