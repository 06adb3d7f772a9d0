CREATE TABLE "hardware_runs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"published" timestamp with time zone NOT NULL,
	"published_by" text NOT NULL,
	"run" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "self_test" jsonb GENERATED ALWAYS AS (inventory->'selfTest') STORED;--> statement-breakpoint
CREATE INDEX "devices_self_test_failed" ON "devices" USING btree ("id") WHERE self_test->'passed' = 'false';