ALTER TABLE "claims" ADD COLUMN "revoked" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "devices_serial_index" ON "devices" USING btree ((inventory->>'serial'));--> statement-breakpoint
CREATE INDEX "certificates_sealing_key_index" ON "certificates" USING btree ("sealing_key");