#!/bin/sh
# 生成 docker-compose.yml 所用的全部机密文件；已有的不动。用法：sh deploy/make-secrets.sh 目录 [属组编号]
# 只用系统自带的命令；机密只写进文件，不显示、不进命令行参数。
set -eu

if [ $# -lt 1 ]; then
  echo '用法：sh deploy/make-secrets.sh 目录 [属组编号]' >&2
  exit 2
fi
folder=$1
group=${2:-}

umask 077
mkdir -p "$folder"
chmod 0750 "$folder"

# 32 个随机字节，写成地址和配置文件里都不必转义的字符
token() {
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

# 从标准输入写一个文件：要么完整，要么没有；已有的保留
keep() {
  if [ -e "$folder/$1" ]; then
    cat >/dev/null
    return
  fi
  cat >"$folder/.$1.new"
  mv "$folder/.$1.new" "$folder/$1"
  echo "已生成 $folder/$1"
}

for name in postgres_password owner_db_password app_db_password airflow_db_password backup_db_password \
  results_db_password redis_password api_secret_key jwt_secret; do
  token | keep "$name"
done
# Fernet 密钥：32 字节的 URL 安全 base64，保留末尾的等号
head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' | keep fernet_key

# 对象库的两个身份：应用只能读写列出本桶，准备步骤另可建桶。三个文件须一致，所以一起生成
if [ ! -e "$folder/s3_identities" ]; then
  rm -f "$folder/s3_credentials" "$folder/s3_admin_credentials"
  secret=$(token)
  admin=$(token)
  printf '[default]\naws_access_key_id = ipgov\naws_secret_access_key = %s\n' "$secret" | keep s3_credentials
  printf '[default]\naws_access_key_id = ipgov-prepare\naws_secret_access_key = %s\n' "$admin" |
    keep s3_admin_credentials
  keep s3_identities <<JSON
{"identities": [
  {"name": "ipgov", "credentials": [{"accessKey": "ipgov", "secretKey": "$secret"}],
   "actions": ["Read:ipgov", "Write:ipgov", "List:ipgov"]},
  {"name": "prepare", "credentials": [{"accessKey": "ipgov-prepare", "secretKey": "$admin"}],
   "actions": ["Admin:ipgov", "Read:ipgov", "Write:ipgov", "List:ipgov"]}
]}
JSON
fi

# 邮件账号的口令只有发件单位知道：先留空，由管理员填写
: | keep smtp_password

for file in "$folder"/*; do
  if [ -n "$group" ]; then
    chgrp "$group" "$file"
  fi
  chmod 0640 "$file"
done
if [ -n "$group" ]; then
  chgrp "$group" "$folder"
fi
