-- A version as text whose bytes are in the order of SemVer 2.0.0, clause 11; null for what is no version.
-- Numbers carry their length before them; "3" ends a release, and stands above every pre-release.
CREATE FUNCTION version_key(version text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN version ~ '^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$' THEN (
		SELECT string_agg(lpad(length(number)::text, 2, '0') || number, '' ORDER BY place)
		FROM unnest(string_to_array(substring(version FROM '^[0-9.]+'), '.')) WITH ORDINALITY AS core(number, place)
	) || coalesce((
		SELECT string_agg(
			CASE WHEN part ~ '^\d+$' THEN '1' || lpad(length(part)::text, 2, '0') || part ELSE '2' || part END || ' ',
			'' ORDER BY place)
		FROM unnest(string_to_array(substring(version FROM '^[0-9.]+-([0-9A-Za-z.-]+)'), '.'))
			WITH ORDINALITY AS pre(part, place)
	), '3') END
$$;--> statement-breakpoint
CREATE TABLE "groups" (
	"name" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"query" text,
	"description" text NOT NULL,
	"created" timestamp with time zone NOT NULL,
	"created_by" text NOT NULL,
	"updated" timestamp with time zone NOT NULL,
	"revision" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "device_apps" ADD COLUMN "version_key" text COLLATE "C" GENERATED ALWAYS AS (version_key(version)) STORED;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "agent_key" text COLLATE "C" GENERATED ALWAYS AS (version_key(inventory->>'agent')) STORED;--> statement-breakpoint
CREATE INDEX "device_apps_app_version_key_device_index" ON "device_apps" USING btree ("app","version_key","device");--> statement-breakpoint
CREATE INDEX "device_apps_failed" ON "device_apps" USING btree ("device") WHERE state = 'failed';--> statement-breakpoint
CREATE INDEX "devices_tags_index" ON "devices" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "devices_group_name_index" ON "devices" USING btree ("group_name");--> statement-breakpoint
CREATE INDEX "devices_arch_index" ON "devices" USING btree ("arch");--> statement-breakpoint
CREATE INDEX "devices_agent_key_index" ON "devices" USING btree ("agent_key");--> statement-breakpoint
INSERT INTO "groups" ("name", "kind", "description", "created", "created_by", "updated", "revision")
	SELECT "group_name", 'static', '', now(), 'server', now(), 1 FROM (
		SELECT "group_name" FROM "devices" UNION SELECT "group_name" FROM "claims") AS "named"
	WHERE "group_name" IS NOT NULL AND "group_name" <> '';
