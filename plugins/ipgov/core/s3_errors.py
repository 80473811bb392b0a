"""What an S3 service or the way to it answered, in words that say what to check."""

from __future__ import annotations

from urllib.parse import urlsplit

from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError

# Codes of the S3 protocol (API reference, “Error responses”); HTTP status where a service gives no code.
_REFUSED = {
    "NoSuchBucket": "存储桶不存在，请核对 IPGOV_OBJECT_STORE 与服务地址",
    "AccessDenied": "没有权限，请核对访问密钥与存储桶策略",
    "AllAccessDisabled": "没有权限，请核对访问密钥与存储桶策略",
    "InvalidAccessKeyId": "访问密钥不被承认，请核对 AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "签名不符，请核对 AWS_SECRET_ACCESS_KEY 与区域",
    "ExpiredToken": "访问凭据已过期，请更新",
    "InvalidToken": "访问凭据无效，请更新",
    "RequestTimeTooSkewed": "本机时钟与存储服务相差过大，请校准时钟",
    "PermanentRedirect": "存储桶在另一区域，请核对 AWS_DEFAULT_REGION 与服务地址",
    "AuthorizationHeaderMalformed": "区域不符，请核对 AWS_DEFAULT_REGION",
    "EntityTooLarge": "对象超出存储服务的大小上限",
    "NotImplemented": "存储服务不支持这一操作（只写一次的对象需要有条件写入）",
    "InvalidBucketName": "存储桶名称无效，请核对 IPGOV_OBJECT_STORE",
    "301": "存储桶在另一区域，请核对 AWS_DEFAULT_REGION 与服务地址",
    "400": "请求不被承认，请核对访问凭据、区域与服务地址",
    "401": "没有通过身份认证，请核对访问密钥",
    "403": "没有权限，请核对访问密钥与存储桶策略",
}
_PASSING = {
    "SlowDown": "存储服务繁忙、要求放慢",
    "Throttling": "存储服务限流",
    "ThrottlingException": "存储服务限流",
    "TooManyRequests": "存储服务限流",
    "RequestLimitExceeded": "存储服务限流",
    "429": "存储服务限流",
    "ServiceUnavailable": "存储服务暂不可用",
    "503": "存储服务暂不可用或要求放慢",
    "502": "存储服务暂不可用",
    "504": "存储服务没有按时应答",
    "InternalError": "存储服务内部出错",
    "500": "存储服务内部出错",
    "RequestTimeout": "存储服务没有按时收到数据",
    "OperationAborted": "同一对象正由他处写入",
    "ConditionalRequestConflict": "同一对象正由他处写入",
    "409": "同一对象正由他处写入",
    "XMinioStorageFull": "存储服务的空间已满，请腾出空间",
    "QuotaExceeded": "存储服务的配额已用完，请腾出空间",
    "InsufficientStorage": "存储服务的空间已满，请腾出空间",
    "507": "存储服务的空间已满，请腾出空间",
    "BadDigest": "数据在传输中受损",
    "XAmzContentChecksumMismatch": "数据在传输中受损",
}
# Exceptions of botocore by name, since botocore is not imported before it is needed.
_WAY = {
    "EndpointConnectionError": "连接不上，请检查服务是否在运行、地址与域名解析、防火墙",
    "ConnectTimeoutError": "连接超时，请检查网络与防火墙",
    "ReadTimeoutError": "等待应答超时，请检查服务与网络的负荷",
    "ConnectionClosedError": "连接被中断",
    "HTTPClientError": "连接被中断",
    "ResponseStreamingError": "读到一半连接被中断",
    "IncompleteReadError": "读到一半连接被中断",
    "FlexibleChecksumError": "读到的内容与服务给出的校验值不符",
    "ProxyConnectionError": "连接不上代理服务器，请检查代理设置",
    "ResponseParserError": "应答不是 S3 协议，请核对服务地址",
}
_SETTINGS = {
    "SSLError": "TLS 证书不受信任或协商失败，请核对服务地址与证书",
    "NoCredentialsError": "没有访问凭据，请设置 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY",
    "PartialCredentialsError": "访问凭据不全，请设置 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY",
    "CredentialRetrievalError": "访问凭据无法取得，请检查凭据的来源",
    "NoRegionError": "没有区域，请设置 AWS_DEFAULT_REGION",
    "InvalidRegionError": "区域无效，请核对 AWS_DEFAULT_REGION",
    "ParamValidationError": "存储桶或对象的名称不合 S3 的规定，请核对 IPGOV_OBJECT_STORE",
    "InvalidEndpointConfigurationError": "服务地址无效，请核对 IPGOV_S3_ENDPOINT",
    "RecursionError": "服务总是转往别处，请核对 IPGOV_S3_ENDPOINT（如 https）与 AWS_DEFAULT_REGION",
    "ValueError": "服务地址无效，请核对 IPGOV_S3_ENDPOINT",
}


def place(bucket: str, endpoint: str | None) -> str:
    """Return the bucket and the service's address as they may be shown: no user, password or query."""
    if not endpoint:
        return f"s3://{bucket}（AWS）"
    parts = urlsplit(endpoint)
    return f"s3://{bucket}（{parts.scheme}://{parts.netloc.rpartition('@')[2]}）"


def code(error: Exception) -> str:
    """Return the S3 code (else HTTP status) that a ClientError carries; empty for any other error."""
    response = getattr(error, "response", None) or {}
    said = str(response.get("Error", {}).get("Code", ""))
    return said or str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def _status(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def explain(error: Exception, doing: str, where: str) -> EnvironmentProblemError:
    """Return the project's error: what was being done, where, why, what to check, whether it may pass.

    ``doing``: the act and the object; ``where``: see ``place``. botocore's own text is not quoted: it may
    hold an address with its credentials.
    """
    name = code(error)
    for said in filter(None, (name, _status(error))):
        if reason := _PASSING.get(said):
            return TemporaryProblemError(f"{doing} {where} 未成：{reason}（{name}）；可稍后重试")
        if reason := _REFUSED.get(said):
            return EnvironmentProblemError(f"{doing} {where} 未成：{reason}（{name}）")
    if name:
        return EnvironmentProblemError(f"{doing} {where} 未成：存储服务拒绝（{name}）")
    for kind in (k.__name__ for k in type(error).__mro__):
        if reason := _SETTINGS.get(kind):
            return EnvironmentProblemError(f"{doing} {where} 未成：{reason}（{kind}）")
        if reason := _WAY.get(kind):
            return TemporaryProblemError(f"{doing} {where} 未成：{reason}（{kind}）；可稍后重试")
    return EnvironmentProblemError(f"{doing} {where} 未成：{type(error).__name__}")
