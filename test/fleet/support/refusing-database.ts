import type { Database } from '../../../src/fleet/store/database.ts';

/** From now on the database refuses each message with this text, as it may for reasons that nobody thought of. */
export async function refuseText(database: Pick<Database, 'query'>, text: string): Promise<void> {
  await database.query(`
    create function fleet.refuse_text() returns trigger language plpgsql as $$
    begin
      if new.payload::text like '%${text}%' then
        raise exception 'a value that nobody thought of' using errcode = '22003';
      end if;
      return new;
    end $$`);
  await database.query(
    'create trigger refuse_text before insert on fleet.messages for each row execute function fleet.refuse_text()',
  );
}
