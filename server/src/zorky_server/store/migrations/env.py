"""What Alembic runs to migrate: inside the transaction that `migrating.upgrade` hands over."""

from alembic import context

from zorky_server.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
