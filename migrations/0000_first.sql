CREATE TABLE "audit_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"actor" text NOT NULL,
	"source" text,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "channel_apps" (
	"channel" text NOT NULL,
	"app" text NOT NULL,
	"version" text NOT NULL,
	"grants" jsonb NOT NULL,
	"config" jsonb NOT NULL,
	"limits" jsonb NOT NULL,
	"triggers" jsonb NOT NULL,
	"health" jsonb NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "channel_apps_channel_app_pk" PRIMARY KEY("channel","app")
);
--> statement-breakpoint
CREATE TABLE "device_apps" (
	"device" text NOT NULL,
	"app" text NOT NULL,
	"version" text NOT NULL,
	"digest" text NOT NULL,
	"state" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "device_apps_device_app_pk" PRIMARY KEY("device","app")
);
--> statement-breakpoint
CREATE TABLE "device_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"kind" text NOT NULL,
	"app" text,
	"version" text,
	"state" text,
	"fault" jsonb,
	"text" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"arch" text NOT NULL,
	"group_name" text,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"channels" text[] DEFAULT '{}' NOT NULL,
	"online" boolean DEFAULT false NOT NULL,
	"last_seen" timestamp with time zone,
	"enrolled" timestamp with time zone NOT NULL,
	"revoked" timestamp with time zone,
	"inventory" jsonb,
	"desired_version" integer DEFAULT 0 NOT NULL,
	"acked_report" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "api_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"hash" text NOT NULL,
	"created" timestamp with time zone NOT NULL,
	"last_used" timestamp with time zone,
	CONSTRAINT "api_tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "certificates" (
	"serial" text PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"issued" timestamp with time zone NOT NULL,
	"expires" timestamp with time zone NOT NULL,
	"revoked" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "claims" (
	"id" uuid PRIMARY KEY NOT NULL,
	"secret_hash" text NOT NULL,
	"uses_left" integer NOT NULL,
	"expires" timestamp with time zone NOT NULL,
	"created" timestamp with time zone NOT NULL,
	"channels" text[] DEFAULT '{}' NOT NULL,
	"group_name" text,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "claims_secret_hash_unique" UNIQUE("secret_hash")
);
--> statement-breakpoint
CREATE TABLE "blob_chunks" (
	"digest" text NOT NULL,
	"index" integer NOT NULL,
	"encoding" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "blob_chunks_digest_index_pk" PRIMARY KEY("digest","index")
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"digest" text PRIMARY KEY NOT NULL,
	"length" integer NOT NULL,
	"chunks" integer NOT NULL,
	"uploaded" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "releases" (
	"app" text NOT NULL,
	"version" text NOT NULL,
	"counter" integer NOT NULL,
	"digest" text NOT NULL,
	"length" integer NOT NULL,
	"world" text NOT NULL,
	"imports" text[] NOT NULL,
	"exports" text[] NOT NULL,
	"grants" jsonb NOT NULL,
	"memory_mib" integer NOT NULL,
	"signers" text[] NOT NULL,
	"published" timestamp with time zone NOT NULL,
	CONSTRAINT "releases_app_version_pk" PRIMARY KEY("app","version"),
	CONSTRAINT "releases_app_counter_unique" UNIQUE("app","counter")
);
--> statement-breakpoint
CREATE TABLE "tuf_metadata" (
	"role" text NOT NULL,
	"version" integer NOT NULL,
	"content" text NOT NULL,
	"expires" timestamp with time zone NOT NULL,
	CONSTRAINT "tuf_metadata_role_version_pk" PRIMARY KEY("role","version")
);
--> statement-breakpoint
CREATE TABLE "assignments" (
	"device" text NOT NULL,
	"app" text NOT NULL,
	"channel" text NOT NULL,
	"version" text NOT NULL,
	"execution" uuid NOT NULL,
	"grants" jsonb NOT NULL,
	"config" jsonb NOT NULL,
	"limits" jsonb NOT NULL,
	"triggers" jsonb NOT NULL,
	"health" jsonb NOT NULL,
	CONSTRAINT "assignments_device_app_pk" PRIMARY KEY("device","app")
);
--> statement-breakpoint
CREATE TABLE "executions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"app" text NOT NULL,
	"version" text NOT NULL,
	"state" text NOT NULL,
	"stage" text,
	"fault" jsonb,
	"swap" jsonb,
	"running_version" text,
	"created" timestamp with time zone NOT NULL,
	"updated" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"created" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "guest_messages" (
	"device" text NOT NULL,
	"app" text NOT NULL,
	"topic" text NOT NULL,
	"payload" "bytea" NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "guest_messages_device_app_topic_pk" PRIMARY KEY("device","app","topic")
);
--> statement-breakpoint
CREATE TABLE "health_reports" (
	"device" text NOT NULL,
	"received" timestamp with time zone NOT NULL,
	"body" jsonb NOT NULL,
	CONSTRAINT "health_reports_device_received_pk" PRIMARY KEY("device","received")
);
--> statement-breakpoint
CREATE TABLE "log_lines" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"app" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"level" text NOT NULL,
	"text" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"device" text NOT NULL,
	"number" bigint NOT NULL,
	"event" jsonb NOT NULL,
	"received" timestamp with time zone NOT NULL,
	CONSTRAINT "reports_device_number_pk" PRIMARY KEY("device","number")
);
--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"provider_id" text NOT NULL,
	"user_id" text NOT NULL,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" timestamp with time zone,
	"refresh_token_expires_at" timestamp with time zone,
	"scope" text,
	"password" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"token" text NOT NULL,
	"user_id" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sessions_token_unique" UNIQUE("token")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"role" text DEFAULT 'viewer' NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "users_email_unique" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "device_apps" ADD CONSTRAINT "device_apps_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "device_events" ADD CONSTRAINT "device_events_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_subject_id_index" ON "audit_events" USING btree ("subject","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "device_events_device_id_index" ON "device_events" USING btree ("device","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "devices_online_index" ON "devices" USING btree ("online");--> statement-breakpoint
CREATE INDEX "devices_channels_index" ON "devices" USING gin ("channels");--> statement-breakpoint
CREATE INDEX "certificates_device_index" ON "certificates" USING btree ("device");--> statement-breakpoint
CREATE INDEX "executions_device_app_created_index" ON "executions" USING btree ("device","app","created" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "executions_state_index" ON "executions" USING btree ("state");--> statement-breakpoint
CREATE INDEX "log_lines_device_id_index" ON "log_lines" USING btree ("device","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "accounts_user_id_index" ON "accounts" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_user_id_index" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "verifications_identifier_index" ON "verifications" USING btree ("identifier");