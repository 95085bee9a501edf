/**
 * ONNX's protobuf format under the names that are used here. All of it is generated from ONNX's own definition
 * (scripts/onnx). A field that this definition does not have is carried along as an unknown field and written back
 * unchanged, behind the known ones.
 */
export {
  AttributeProtoSchema as AttributeSchema,
  ModelProtoSchema as ModelSchema,
  NodeProtoSchema as NodeSchema,
  OperatorSetIdProtoSchema as OperatorSetIdSchema,
  TensorProtoSchema as TensorSchema,
  ValueInfoProtoSchema as ValueInfoSchema,
  /** Kinds of attributes. */
  AttributeProto_AttributeType as ATTRIBUTE_TYPE,
  /** Where a tensor's data lies. */
  TensorProto_DataLocation as DATA_LOCATION,
  /** Element types of tensors. */
  TensorProto_DataType as DATA_TYPE,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type TensorShapeProto_Dimension as DimensionProto,
  type TypeProto_Tensor as TensorTypeProto,
  type ValueInfoProto,
} from './generated/onnx-ml_pb.ts';
