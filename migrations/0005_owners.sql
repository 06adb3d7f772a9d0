ALTER TABLE "api_tokens" ADD COLUMN "owner" text;--> statement-breakpoint
ALTER TABLE "claims" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "claims" ADD COLUMN "made_by" text;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_owner_users_id_fk" FOREIGN KEY ("owner") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_clones_index" ON "audit_events" USING btree ("at") WHERE action = 'device.cloned';--> statement-breakpoint
CREATE INDEX "api_tokens_owner_index" ON "api_tokens" USING btree ("owner");--> statement-breakpoint
-- Who made what there is already stands in the audit. A name that several people have says nothing.
UPDATE "api_tokens" t SET "owner" = u.id FROM "audit_events" e, "users" u
  WHERE e.action = 'token.created' AND e.subject = t.id::text AND e.actor = 'user:' || u.name
    AND u.created_at <= e.at AND (SELECT count(*) FROM "users" same WHERE same.name = u.name) = 1;--> statement-breakpoint
UPDATE "claims" c SET "made_by" = e.actor FROM "audit_events" e
  WHERE e.action = 'claim.created' AND e.subject = c.id::text;
