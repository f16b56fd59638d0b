// Schema versions; see the header.
#include "store/migration.h"

#include "store/codec.h"
#include "store/schema.h"
#include "store/tables.h"

namespace postern::store {

Result<bool> check_schema(Transaction& transaction) {
  const Table meta(transaction, SpoolTable::Meta);  // index 0 in both environments
  Result<std::optional<std::string_view>> stored = meta.find(kSchemaKey);
  if (!stored) return stored.error();
  if (!*stored) return false;
  Result<SchemaVersion> version = decode<SchemaVersion>(**stored);
  if (!version) return version.error();
  if (version->number == kSchemaVersion) return true;
  const std::string_view hint =
      version->number > kSchemaVersion ? "; it was written by a newer Postern" : "; it was written by an older Postern";
  return Error(ErrorCode::SchemaMismatch, transaction.environment().folder().string() + " has schema version " +
                                              std::to_string(version->number) + ", this program reads version " +
                                              std::to_string(kSchemaVersion) + std::string(hint));
}

Result<void> write_schema(WriteTransaction& transaction) {
  std::string record;
  encode(SchemaVersion{kSchemaVersion}, record);
  return WritableTable(transaction, SpoolTable::Meta).put(kSchemaKey, record);
}

}  // namespace postern::store
