"""Staff's open invitations to customers who have an active owner end: nobody agreed to them."""

from django.db import migrations

END = """
DELETE FROM accounts_invitation AS i
 WHERE i.is_of_staff AND i.expires_at > now()
   AND EXISTS (SELECT FROM accounts_tenant AS t WHERE t.id = i.tenant_id AND NOT t.is_ours)
   AND EXISTS (SELECT FROM accounts_membership AS m JOIN accounts_user AS u ON u.id = m.user_id
                WHERE m.tenant_id = i.tenant_id AND m.role = 'owner'
                  AND u.is_active AND u.email_verified_at IS NOT NULL)
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_owners_have_a_say")]
    operations = [migrations.RunSQL(END, migrations.RunSQL.noop)]
